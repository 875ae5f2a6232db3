/* Search everywhere: ⌘K, Ctrl-K or / opens #palette. A combobox: the focus stays in the field, arrows choose, Enter opens.
   What was asked earlier and would come later is dropped. */
const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const said = document.getElementById("palette-said");
const RECENT = `recent:${document.documentElement.dataset.user}`;
const MOST_RECENT = 6;
const HEADERS = { "HX-Request": "true", "HX-Target": "palette-results", "HX-Current-URL": location.href };
const ASK_AFTER = 120;
const SAY_AFTER = 400;
let goes = false;
let asking;
let question;
let saying;

const results = () => document.getElementById("palette-results");
const options = () => [...results().querySelectorAll("[role=option]")];
const chosen = () => results().querySelector("[aria-selected=true]");
const isFresh = () => results().dataset.words === input.value.trim().replace(/\s+/g, " ");

export function openPalette() {
  if (palette.open) return;
  input.form.elements.recent.value = recent().join();
  palette.showModal();
  input.select();
  look();
}

if (!/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-mod-key]")) key.textContent = "Ctrl K";
}

// What was opened last: keys alone, so that nothing about a person stays in the browser -------------------------

function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]").filter(Number.isInteger);
  } catch {
    return [];
  }
}

const [, here] = location.pathname.match(/^\/leads\/(\d+)\/$/) ?? [];
if (here) {
  const others = recent().filter((pk) => pk !== Number(here));
  localStorage.setItem(RECENT, JSON.stringify([Number(here), ...others].slice(0, MOST_RECENT)));
}

// Choosing -----------------------------------------------------------------------------------------------------

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function step(by) {
  const all = options();
  const index = all.indexOf(chosen());
  choose(all[(index + by + all.length) % all.length]);
}

function open(option) {
  const form = option.dataset.submits && document.getElementById(option.dataset.submits);
  if (form) form.requestSubmit();
  else location.assign(option.href);
}

/* Enter before the answer has come waits for it. */
function go() {
  goes = !isFresh();
  const option = goes ? null : chosen();
  if (option) open(option);
}

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Home: () => choose(options()[0]),
  End: () => choose(options().at(-1)),
  Enter: go,
};

input.addEventListener("keydown", (event) => {
  const does = KEYS[event.key];
  if (!does || event.isComposing || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  does();
});

input.addEventListener("input", () => {
  goes = false;
  clearTimeout(asking);
  asking = setTimeout(look, ASK_AFTER);
});
input.form.addEventListener("submit", (event) => { event.preventDefault(); go(); });

palette.addEventListener("click", (event) => {
  const option = event.target.closest("[data-submits]");
  if (option) { event.preventDefault(); open(option); }
  if (event.target.closest("[data-close-dialog]")) palette.close();
});
palette.addEventListener("pointermove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option !== chosen()) choose(option);
});
palette.addEventListener("close", () => {
  goes = false;
  clearTimeout(asking);
  question?.abort();
  clearTimeout(saying);
  said.textContent = "";
});

// Asking -------------------------------------------------------------------------------------------------------

/* Of several questions only the newest is answered; what was asked before is given up. */
async function look() {
  question?.abort();
  const { signal } = (question = new AbortController());
  try {
    const answer = await fetch(`${input.form.action}?${new URLSearchParams(new FormData(input.form))}`, { headers: HEADERS, signal });
    const login = answer.headers.get("HX-Redirect");
    if (login) return location.assign(login);
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!signal.aborted) show(page.getElementById("palette-results"));
  } catch (failure) {
    if (failure.name !== "AbortError") say("This could not be searched. Try again in a moment.");
  }
}

function show(fresh) {
  results().replaceWith(document.adoptNode(fresh));
  input.setAttribute("aria-expanded", String(options().length > 0));
  choose(options()[0]);
  say(fresh.dataset.said);
  if (goes && isFresh()) go();
}

/* Once the typing rests: a count for each letter would talk over the reading of the letters. */
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => { said.textContent = text; }, SAY_AFTER);
}
