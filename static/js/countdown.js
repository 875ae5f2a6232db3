/* Countdowns: [data-due] (and [data-start] for the fuse) in milliseconds of the server's clock, which the page brings along.
   Minutes, and seconds within ten minutes of the due time, as the template tags print them. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const COUNT_SECONDS = 10 * MINUTE;
const SOON = 8 * 60 * MINUTE;
const HOURS_AS_DAYS = 100;
const DRIFT = 2 * SECOND;

// What must be added to the client's clock, which may be hours off, to get the server's.
let offset = Number(document.documentElement.dataset.now) - Date.now();
let timer;

export function serverNow() {
  return Date.now() + offset;
}

export function timeLeftText(left) {
  const away = Math.abs(left);
  const seconds = Math.floor(away / SECOND);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const two = (number) => String(number).padStart(2, "0");
  let text;
  if (away < COUNT_SECONDS) text = minutes ? `${minutes} m ${two(seconds % 60)} s` : `${seconds} s`;
  else if (hours >= HOURS_AS_DAYS) text = `${Math.floor(hours / 24)} d ${hours % 24} h`;
  else text = hours ? `${hours} h ${two(minutes % 60)} m` : `${minutes} m`;
  return left < 0 ? `${text} over` : text;
}

function stateOf(left) {
  if (left < 0) return "over";
  return left < SOON ? "soon" : "later";
}

/* Returns the milliseconds until this countdown reads differently. */
function show(element) {
  const { due, start, suffix = "" } = element.dataset;
  const left = Number(due) - serverNow();
  const state = stateOf(left);
  const text = timeLeftText(left) + (left < 0 ? "" : suffix);
  const label = element.querySelector("[data-left]");
  if (label.textContent !== text) label.textContent = text;
  if (start) {
    const share = state === "over" ? 1 : Math.min(1, left / (Number(due) - Number(start)));
    element.querySelector(".fuse-left").setAttribute("width", `${(share * 100).toFixed(2)}%`);
  }
  if (element.dataset.state !== state) {
    element.dataset.state = state;
    // The row belongs into another group now.
    document.dispatchEvent(new CustomEvent("accord:refresh", { detail: { topic: "clocks" } }));
  }
  const unit = Math.abs(left) < COUNT_SECONDS ? SECOND : MINUTE;
  return left < 0 ? unit - (-left % unit) : (left % unit) + 1;
}

function tick() {
  clearTimeout(timer);
  const waits = [...document.querySelectorAll("[data-due]")].map(show);
  if (waits.length) timer = setTimeout(tick, Math.max(50, Math.min(...waits)));
}

/* A page from the browser's history brings an old clock along; every answer brings the present one, to the second. */
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const sent = Date.parse(detail.xhr.getResponseHeader("Date"));
  if (sent && Math.abs(sent + SECOND / 2 - serverNow()) > DRIFT) offset = sent + SECOND / 2 - Date.now();
});
document.addEventListener("htmx:afterSettle", tick);
document.addEventListener("visibilitychange", tick);
tick();
