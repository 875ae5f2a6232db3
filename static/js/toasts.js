/* Toasts: short notes at the foot of the page. The server renders them (_toast.html), this lets them go again. */
const STAY = 10_000;
const SHOWN = 3;
const list = document.getElementById("toasts");
const more = list.querySelector("[data-more-toasts]");

/* Shows a note of the page's own, for example when the server cannot be reached. */
export function toast(text, level = "error") {
  // Said again it is the newest note, not another one.
  for (const note of list.querySelectorAll("[data-toast][data-own]")) {
    if (note.querySelector("p").textContent === text) note.remove();
  }
  const copy = document.getElementById("toast-template").content.cloneNode(true);
  const note = copy.querySelector("[data-toast]");
  note.dataset.level = level;
  note.toggleAttribute("data-own", true);
  note.querySelector("p").textContent = text;
  list.append(copy);
}

function letGo(note) {
  if (note.dataset.level === "error" || note.dataset.level === "warning") return;
  let timer;
  const start = () => { timer = setTimeout(() => note.remove(), STAY); };
  const stop = () => clearTimeout(timer);
  for (const name of ["pointerenter", "focusin"]) note.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) note.addEventListener(name, () => { stop(); start(); });
  start();
}

/* Of many notes the newest are shown, and the newest that can be undone: pressed again and again, Z takes back one
   answer after the other. The others are behind a button. */
function fold() {
  const notes = [...list.querySelectorAll("[data-toast]")];
  const undoable = notes.findLast((note) => note.querySelector("[data-undo]"));
  const earlier = notes.slice(0, -SHOWN).filter((note) => note !== undoable);
  const isOpen = earlier.length > 0 && more.ariaExpanded === "true";
  for (const note of notes) note.toggleAttribute("data-folded", !isOpen && earlier.includes(note));
  more.hidden = earlier.length === 0;
  more.ariaExpanded = String(isOpen);
  more.textContent = isOpen ? "Show fewer" : `${earlier.length} earlier`;
}

more.addEventListener("click", () => {
  more.ariaExpanded = String(more.ariaExpanded !== "true");
  fold();
});

function failureText({ xhr, requestConfig }) {
  if (!xhr.status) return "Accord cannot be reached. Nothing was changed; try again in a moment.";
  if (xhr.status === 403) return "You may not do this, or you were signed out. Reload the page.";
  if (xhr.status === 404) return "This is not there any more. Reload the page.";
  const lost = requestConfig.verb === "get" ? "This could not be loaded." : "This could not be saved. Nothing was changed.";
  return `${lost} Error ${xhr.getResponseHeader("X-Error-Id") ?? xhr.status} at ${new Date().toLocaleTimeString("en-GB")}.`;
}

function onFailure({ detail }) {
  const isBackground = detail.requestConfig.triggeringEvent?.type === "live";
  // Conflicts and field errors bring their own words along.
  if (!isBackground && ![409, 422].includes(detail.xhr.status)) toast(failureText(detail));
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, onFailure);

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest("[data-toast]").remove();
});

document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!target.matches?.("[data-undo]") || !detail.successful) return;
  target.closest("[data-toast]")?.remove();
  document.dispatchEvent(new CustomEvent("accord:refresh", { detail: { force: true } }));
});

new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.matches?.("[data-toast]")) letGo(node);
  fold();
}).observe(list, { childList: true });
list.querySelectorAll("[data-toast]").forEach(letGo);
fold();
