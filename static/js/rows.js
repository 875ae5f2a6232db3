/* The selected row of a list: [data-rows] holds [data-row]s, each with one [data-select] link, which takes the focus. */
const SETTLE = 120;
let selectedId;
let loading;
let hadFocus = false;
/* Where the selected row stood when it was chosen: its group, and the rows before and after it. */
let place;

export const rows = () => [...document.querySelectorAll("[data-rows] [data-row]:not([hidden])")];
export const selectedRow = () => document.querySelector("[data-row][data-selected]:not([hidden])");

const groupOf = (row) => row.closest("[data-group]")?.getAttribute("aria-labelledby");

function remember(row) {
  const all = rows();
  const at = all.indexOf(row);
  place = row && { group: groupOf(row), before: all[at - 1]?.id, after: all[at + 1]?.id };
}

/* What follows the place of a row that went elsewhere in the list, or out of it, since it was chosen. */
function besidePlace(by) {
  const row = selectedRow();
  if (!place || (row && groupOf(row) === place.group)) return null;
  return rows().find((each) => each.id === (by > 0 ? place.after : place.before));
}

/* Selects without moving the focus, and without loading anything beside the list. */
export function mark(row) {
  show(row);
  remember(row);
}

function show(row) {
  clearTimeout(loading);
  for (const old of document.querySelectorAll("[data-row][data-selected]")) {
    old.removeAttribute("data-selected");
    old.querySelector("[data-select]")?.removeAttribute("aria-current");
  }
  selectedId = row?.id;
  row?.setAttribute("data-selected", "");
  row?.querySelector("[data-select]")?.setAttribute("aria-current", "true");
}

/* Selects, focuses, and after a short rest loads what the link shows beside the list. */
export function select(row, { load = true } = {}) {
  mark(row);
  const link = row?.querySelector("[data-select]");
  link?.focus();
  if (load && link?.hasAttribute("hx-get")) loading = setTimeout(() => htmx.trigger(link, "select"), SETTLE);
}

export function step(by) {
  const all = rows();
  const at = all.indexOf(selectedRow());
  const next = besidePlace(by) ?? all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (next) select(next);
  return all.length > 0;
}

/* The row that follows when this one leaves; the one before it for the last. */
export function neighbour(row) {
  const all = rows();
  const at = all.indexOf(row);
  return all[at + 1] ?? all[at - 1];
}

/* A list that was fetched again keeps its selection, and the focus if it had it. */
selectedId = selectedRow()?.id;
remember(selectedRow());
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  hadFocus = target.contains(document.activeElement) && document.activeElement.matches("[data-select]");
});
document.addEventListener("htmx:afterSettle", () => {
  const row = selectedId && document.getElementById(selectedId);
  if (row && !row.hasAttribute("data-selected")) show(row);
  if (row && groupOf(row) === place?.group) remember(row);
  if (hadFocus && document.activeElement === document.body) {
    row?.querySelector("[data-select]").focus({ preventScroll: true });
    hadFocus = false;
  }
});
