/* The wall: shows one scene after the other on a screen that nobody touches for days.
   A scene is fetched again when the stream says that something changed, when it comes up, and twice a minute. What was fetched last stays:
   after two misses the page says from when it is. Only the scene itself is replaced, never the page; every six hours the page loads itself again. */

const SECOND = 1000;
const POLL = 30 * SECOND;
const POLL_AFTER_MISS = 10 * SECOND;
const GIVE_UP = 10 * SECOND;
const MISSES = 2;
const LEAST_BETWEEN = SECOND;
const RELOAD = 6 * 60 * 60 * SECOND;
const FORGOTTEN = 60 * 60 * SECOND;
const IDLE = 3 * SECOND;
const RECONNECT = 2 * SECOND;
const RECONNECT_MOST = 60 * SECOND;

const root = document.documentElement;
const { every, zone, keys, events } = root.dataset;
const stay = Number(every) * SECOND;
const startedAt = Date.now();
// What must be added to the client's clock, which may be hours off, to get the server's.
let offset = Number(root.dataset.now) - startedAt;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
const says = document.querySelector("[data-wall-says]");
const time = document.querySelector("[data-wall-time]");
const next = document.querySelector("[data-wall-next]");
const button = document.querySelector("[data-wall-live]");
const hint = document.querySelector("[data-wall-hint]");

const tabs = [...document.querySelectorAll("[data-wall-tab]")];
// What each showed last: as an element to show again, and as the text that it came as.
const scenes = tabs.map((tab) => ({ key: tab.dataset.wallTab, url: tab.href ?? location.href, etag: "", text: "", element: null }));
let current = Math.max(0, scenes.findIndex(({ key }) => key === sceneOf(document).dataset.scene));
scenes[current].element = sceneOf(document).cloneNode(true);
let paused = false;
let pausedAt = 0;
let misses = 0;
let goodAt = serverNow();
let pollAt = startedAt + POLL;
let turnAt = startedAt + stay;
let movedAt = startedAt;
let source;
let failures = 0;
let due;
let shown = scenes[current].element;

function serverNow() {
  return Date.now() + offset;
}

function sceneOf(page) {
  return page.getElementById("scene");
}

// Fetching -----------------------------------------------------------------------------------------------------

/* Brings the scene up to date; returns whether the server said how it is. One request a scene at a time. */
function load(scene) {
  scene.loading ??= ask(scene).finally(() => { scene.loading = undefined; });
  return scene.loading;
}

async function ask(scene) {
  const headers = { "HX-Request": "true" };
  if (scene.etag) headers["If-None-Match"] = scene.etag;
  try {
    // Without cookies: the address alone opens the wall, whoever was signed in here.
    const answer = await fetch(scene.url, { headers, credentials: "omit", cache: "no-store", redirect: "error", signal: AbortSignal.timeout(GIVE_UP) });
    if (answer.status !== 304) keep(scene, answer, await answer.text());
    heard(answer);
    return true;
  } catch {
    misses += 1;
    pollAt = Date.now() + POLL_AFTER_MISS;
    showState();
    return false;
  }
}

/* Throws where this is no scene: a proxy may answer for a server that is gone. */
function keep(scene, answer, text) {
  const fresh = sceneOf(new DOMParser().parseFromString(text, "text/html"));
  const isOver = fresh && "over" in fresh.dataset;
  if (!fresh || (!answer.ok && !isOver)) throw new Error(`No scene: ${answer.status}`);
  scene.etag = answer.headers.get("ETag") ?? "";
  if (scene.text !== text) scene.element = document.adoptNode(fresh);
  scene.text = text;
  if (isOver) close();
}

function heard(answer) {
  const sent = Date.parse(answer.headers.get("Date"));
  if (sent && Math.abs(sent + SECOND / 2 - serverNow()) > 2 * SECOND) offset = sent + SECOND / 2 - Date.now();
  misses = 0;
  goodAt = serverNow();
  pollAt = Date.now() + POLL;
  // Only now, when the server has just answered; and not while it would end the full screen.
  if (Date.now() - startedAt > RELOAD && !document.fullscreenElement) location.reload();
  showState();
}

/* In place, and only where it differs from what stands there. */
function show(scene) {
  if (!scene.element || scene !== scenes[current] || shown === scene.element) return;
  shown = scene.element;
  sceneOf(document).replaceWith(shown.cloneNode(true));
}

async function refresh() {
  const scene = scenes[current];
  await load(scene);
  if (!paused) show(scene);
}

/* What changes in one go is fetched once. */
function refreshSoon() {
  if (paused || due) return;
  due = setTimeout(() => { due = undefined; refresh(); }, Math.random() * 150 + Math.max(0, (scenes[current].askedAt ?? 0) + LEAST_BETWEEN - Date.now()));
  scenes[current].askedAt = Date.now();
}

// Scenes -------------------------------------------------------------------------------------------------------

/* At once where it was shown before; the server's answer follows. */
async function go(index) {
  if (!scenes[index] || index === current) return;
  current = index;
  const scene = scenes[index];
  turnAt = Date.now() + stay;
  for (const tab of tabs) tab.removeAttribute("aria-current");
  tabs[index].setAttribute("aria-current", "page");
  history.replaceState(null, "", scene.url);
  show(scene);
  await load(scene);
  show(scene);
}

/* The next scene is fetched before it comes up, so that it comes up as it is now. */
async function turn() {
  turnAt = Date.now() + stay;
  const index = (current + 1) % scenes.length;
  const from = current;
  await load(scenes[index]);
  if (!paused && current === from && scenes[index].element) go(index);
}

function pause() {
  paused = !paused;
  pausedAt = Date.now();
  turnAt = Date.now() + stay;
  showState();
  if (!paused) refresh();
}

// What the frame says ------------------------------------------------------------------------------------------

function showState() {
  const isStale = misses >= MISSES;
  const state = paused ? "paused" : isStale ? "stale" : "on";
  button.dataset.state = state;
  put(says, { paused: "Paused,", stale: "Data from", on: "Live" }[state]);
  put(hint, paused ? ", press to go on" : ", press to pause");
  put(time, clock.format(isStale || paused ? goodAt : serverNow()));
  if (!next) return;
  const seconds = Math.max(0, Math.ceil((turnAt - Date.now()) / SECOND));
  put(next, paused || !stay ? "" : `Next in ${seconds} s`);
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = Date.now();
  // Whoever paused it has left the room by now.
  if (paused && now - pausedAt > FORGOTTEN) pause();
  if (!document.hidden && !paused && now >= pollAt) { pollAt = now + POLL; refresh(); }
  if (!document.hidden && !paused && stay && scenes.length > 1 && now >= turnAt) turn();
  root.toggleAttribute("data-idle", now - movedAt > IDLE);
  showState();
}

// The stream ---------------------------------------------------------------------------------------------------

function open() {
  if (source || document.hidden) return;
  source = new EventSource(events);
  for (const topic of new URLSearchParams(events.split("?")[1]).get("topics").split(",")) source.addEventListener(topic, refreshSoon);
  source.addEventListener("refresh", refreshSoon);
  source.addEventListener("open", () => { if (failures) refreshSoon(); failures = 0; });
  source.addEventListener("error", onError);
}

function onError() {
  failures += 1;
  // A server that goes closes its streams first: asking it now tells at once.
  if (failures === 1) refreshSoon();
  if (source.readyState !== EventSource.CLOSED) return;
  close();
  setTimeout(open, Math.min(RECONNECT_MOST, RECONNECT * 2 ** failures) * (0.5 + Math.random()));
}

function close() {
  source?.close();
  source = undefined;
}

// Keys and pointer ---------------------------------------------------------------------------------------------

function fullscreen() {
  const done = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
  done.catch(() => {});
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const isPress = event.key === " " && event.target.closest("button");
  const step = (by) => () => go((current + by + scenes.length) % scenes.length);
  const commands = { ArrowRight: step(1), ArrowLeft: step(-1), " ": pause };
  if (keys === "on") Object.assign(commands, { f: fullscreen, F: fullscreen });
  if (keys === "on" && /^[1-5]$/.test(event.key)) commands[event.key] = () => go(Number(event.key) - 1);
  if (!commands[event.key] || isPress) return;
  event.preventDefault();
  commands[event.key]();
});

document.addEventListener("click", (event) => {
  const tab = event.target.closest("a[data-wall-tab]");
  if (event.target.closest("[data-wall-live]")) pause();
  if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(tabs.indexOf(tab));
});

document.addEventListener("pointermove", () => { movedAt = Date.now(); root.removeAttribute("data-idle"); });
document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else { open(); refresh(); stayAwake(); }
});
addEventListener("pagehide", close);

/* A laptop at the projector stays on, where the browser lets a page ask for that. */
function stayAwake() {
  navigator.wakeLock?.request("screen").catch(() => {});
}

setInterval(tick, SECOND);
open();
// A server that is gone at the first turn leaves them all something to show.
for (const scene of scenes) if (scene !== scenes[current]) load(scene);
stayAwake();
showState();
root.dataset.ready = "";
