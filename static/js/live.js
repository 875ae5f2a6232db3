/* Live pages: /events says which topic changed, and every [data-live] fragment of that topic is fetched again.
   A fragment names its topics ("leads clocks"), has an id, and fetches itself on the event `live`.
   What someone is working in (typed text, focus, an open form with [data-live-busy]) waits: with [data-live-hold] the page says "2 new leads" instead of moving rows. */

const EVERY = 1000;
const AGAIN = 250;
const JITTER = 150;
const RETRY = 2000;
const RETRY_MOST = 60_000;

const due = new Map();
const lastAt = new Map();
const held = new Set();
const forced = new Set();
const openDetails = new Set();
let source;
let failures = 0;
let missed = false;
let paused = sessionStorage.getItem("live") === "paused";

const fragments = () => [...document.querySelectorAll("[data-live]")];
const topicsOf = (element) => element.dataset.live.split(" ");
const rowIds = (element) => [...element.querySelectorAll("[data-row]:not([hidden])")].map((row) => row.dataset.row);

// The stream ---------------------------------------------------------------------------------------------------

function open() {
  const topics = [...new Set(fragments().flatMap(topicsOf))];
  if (source || paused || document.hidden || !topics.length) return;
  source = new EventSource(`/events?topics=${topics.join()}`);
  for (const topic of topics) source.addEventListener(topic, () => refresh({ topic }));
  source.addEventListener("refresh", () => refresh());
  source.addEventListener("open", onOpen);
  source.addEventListener("error", onError);
}

function close() {
  source?.close();
  source = undefined;
}

function onOpen() {
  failures = 0;
  showState("on");
  // Nothing is replayed: what happened in between must be looked up.
  if (missed) refresh();
  missed = false;
}

function onError() {
  missed = true;
  showState("lost");
  if (source.readyState !== EventSource.CLOSED) return;
  close();
  setTimeout(open, Math.min(RETRY_MOST, RETRY * 2 ** failures++) * (0.5 + Math.random()));
}

function resume() {
  missed = true;
  open();
}

// Fetching again -----------------------------------------------------------------------------------------------

/* Without a topic all fragments; `force` also those that someone is working in. */
function refresh({ topic, force = false } = {}) {
  for (const element of fragments()) {
    if (!topic || topicsOf(element).includes(topic)) schedule(element.id, force);
  }
}

function schedule(id, force) {
  if (due.has(id) && !force) return;
  const wait = force ? 0 : Math.max(Math.random() * JITTER, (lastAt.get(id) ?? 0) + EVERY - Date.now());
  plan(id, force, wait);
}

function plan(id, force, wait) {
  clearTimeout(due.get(id));
  due.set(id, setTimeout(() => { due.delete(id); fetchAgain(id, force); }, wait));
}

function fetchAgain(id, force) {
  const element = document.getElementById(id);
  if (!element) return;
  lastAt.set(id, Date.now());
  if (!force && isInUse(element)) {
    hold(element);
  } else {
    release(element);
    if (force) forced.add(id); else forced.delete(id);
    htmx.trigger(element, "live");
  }
}

function isInUse(element) {
  if (element.querySelector("[data-live-busy]")) return true;
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  if (element.hasAttribute("data-live-hold") && (active || element.matches(":hover"))) return true;
  // htmx gives the focus back to an element with an id; typed text it cannot give back.
  if (active && (!active.id || active.matches("input, select, textarea"))) return true;
  return [...element.querySelectorAll("input, textarea")].some(
    (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked,
  );
}

/* A request on its way needs its form, or its answer has no page: what was fetched meanwhile is fetched once more. */
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const isLive = detail.requestConfig.triggeringEvent?.type === "live";
  if (!isLive || !detail.target.querySelector(".htmx-request")) return;
  detail.shouldSwap = false;
  plan(detail.target.id, forced.has(detail.target.id), AGAIN);
});

/* Figures that are still being measured (204) are asked for once more, with the moment as of which they will do. */
document.addEventListener("htmx:afterRequest", ({ target, detail: { xhr } }) => {
  const since = xhr?.status === 204 && xhr.getResponseHeader("Figures-Since");
  if (!since || !target.matches?.("[data-live]")) return;
  target.setAttribute("hx-headers", JSON.stringify({ "Figures-Since": since }));
  schedule(target.id, false);
});

/* What was sent is not being typed any more: the form is as it came, and the page may show what came of it. */
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  const form = target.closest?.('form[hx-swap="none"]');
  if (!detail.successful || !form?.closest("[data-live]")) return;
  form.reset();
  if (form.contains(document.activeElement)) document.activeElement.blur();
});

async function hold(element) {
  // Once it is let go, only figures as of then will do.
  element.removeAttribute("hx-headers");
  if (!held.size) setTimeout(lookAtHeld, EVERY);
  held.add(element.id);
  const news = newsOf(element);
  if (!news) return;
  const answer = await fetch(element.getAttribute("hx-get"), { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || !held.has(element.id)) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(element.id);
  if (fresh) showNews(news, rowIds(element), rowIds(fresh));
}

function showNews(news, here, there) {
  const added = there.filter((id) => !here.includes(id)).length;
  const noun = news.dataset.liveNews || "row";
  news.textContent = added ? `${added} new ${noun}${added === 1 ? "" : "s"}` : "The list has changed";
  news.hidden = !added && here.join() === there.join();
}

function newsOf(element) {
  return element.hasAttribute("data-live-hold") ? document.querySelector("[data-live-news]") : null;
}

/* Once nobody works in it any more, a held fragment catches up by itself. */
function lookAtHeld() {
  for (const id of held) {
    const element = document.getElementById(id);
    if (!element || !isInUse(element)) { held.delete(id); schedule(id, false); }
  }
  if (held.size) setTimeout(lookAtHeld, EVERY);
}

function release(element) {
  held.delete(element.id);
  const news = newsOf(element);
  if (news) news.hidden = true;
}

// What the page shows of it ------------------------------------------------------------------------------------

const LABELS = { on: ["Live", ", press to pause"], paused: ["Paused", ", press to resume"], lost: ["Reconnecting", ""] };

function showState(state) {
  for (const button of document.querySelectorAll("[data-live-toggle]")) {
    button.dataset.liveState = state;
    [button.querySelector("[data-live-label]").textContent, button.querySelector("[data-live-hint]").textContent] = LABELS[state];
  }
}

function toggle() {
  paused = !paused;
  sessionStorage.setItem("live", paused ? "paused" : "on");
  showState(paused ? "paused" : "on");
  if (paused) close();
  else resume();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-live-toggle]")) toggle();
  if (event.target.closest("[data-live-news]")) refresh({ force: true });
});
document.addEventListener("accord:refresh", ({ detail }) => refresh(detail));
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  if (!target.matches?.("[data-live]")) return;
  for (const details of target.querySelectorAll("details[open][id]")) openDetails.add(details.id);
});
// Before the first frame, so that nothing jumps; and once more, since settling sets the attributes of the answer.
document.addEventListener("htmx:afterSwap", openAgain);
document.addEventListener("htmx:afterSettle", () => {
  openAgain();
  openDetails.clear();
});

function openAgain() {
  for (const id of openDetails) document.getElementById(id)?.setAttribute("open", "");
}

// Hidden tabs hold no stream: a browser grants six per host.
document.addEventListener("visibilitychange", () => (document.hidden ? close() : resume()));
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => { if (event.persisted) resume(); });

if (paused) showState("paused");
// A page from the browser's history may be old.
missed = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
open();
