/* Plotly, loaded once and only when a [data-plot] comes into view. The attribute holds the figure as plain JSON (htmx drops
   script elements); colours are token names ("--sales"), so that a chart follows the theme.
   The box outlives a swap of the figure around it (hx-preserve), so that new data changes the chart in place. */
const NEAR = "200px";
const AXIS = { showgrid: false, zeroline: false, fixedrange: true, automargin: false };
const CONFIG = { displayModeBar: false, responsive: true };

const drawn = new Map();
let library;

function load(address) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

/* What a token is now: light-dark() and color-mix() only resolve on an element. */
function resolver(element) {
  const probe = element.appendChild(document.createElement("span"));
  // Where people want less motion every element has a transition, however short: it would answer with the colour before.
  probe.style.transition = "none";
  const known = {};
  const resolve = (value) => {
    if (typeof value === "string" && value.startsWith("--")) {
      if (!(value in known)) {
        probe.style.color = `var(${value})`;
        known[value] = getComputedStyle(probe).color;
      }
      return known[value];
    }
    if (Array.isArray(value)) return value.map(resolve);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
    }
    return value;
  };
  return { resolve, done: () => probe.remove() };
}

function template() {
  const font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: "--ink-3" };
  return {
    font,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 38, r: 44, t: 8, b: 24 },
    bargap: 0.28,
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: "--surface", bordercolor: "--line-2", font: { ...font, color: "--ink" } },
    xaxis: { ...AXIS, linecolor: "--line-2", tickcolor: "--line-2" },
    yaxis: { ...AXIS, showgrid: true, gridcolor: "--line", rangemode: "tozero" },
  };
}

/* One level deep: a figure says what differs on an axis, the template the rest. */
function merge(base, own = {}) {
  const merged = { ...base, ...own };
  for (const [key, value] of Object.entries(base)) {
    if (own[key] && typeof value === "object") merged[key] = { ...value, ...own[key] };
  }
  return merged;
}

async function draw(figure) {
  const box = figure.querySelector(".plot-box");
  try {
    const Plotly = await load(figure.dataset.plotly);
    if (!figure.isConnected) return;
    const { data, layout } = JSON.parse(figure.dataset.plot);
    const { resolve, done } = resolver(figure);
    const [traces, arranged] = [resolve(data), resolve(merge(template(), layout))];
    done();
    await Plotly.react(box, traces, arranged, CONFIG);
    if (drawn.has(box)) await Plotly.Plots.resize(box);
    figure.dataset.plotState = "drawn";
    drawn.set(box, figure);
  } catch {
    library = undefined;
    figure.dataset.plotState = "failed";
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) {
      seen.unobserve(target);
      draw(target);
    }
  }
}, { rootMargin: NEAR });

function watch() {
  for (const figure of document.querySelectorAll("[data-plot]:not([data-plot-state])")) {
    figure.dataset.plotState = "waiting";
    seen.observe(figure);
  }
}

/* Plotly keeps listeners and contexts of a chart until it is told that the chart is gone. */
function forgetGone() {
  for (const box of drawn.keys()) {
    if (box.isConnected) continue;
    window.Plotly.purge(box);
    drawn.delete(box);
  }
}

document.addEventListener("htmx:afterSettle", () => { forgetGone(); watch(); });
document.addEventListener("accord:theme", () => drawn.forEach((figure) => draw(figure)));
// Paper has its own width and is always light.
matchMedia("print").addEventListener("change", () => drawn.forEach((figure) => draw(figure)));
watch();
