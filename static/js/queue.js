/* Dispositions: a form with [data-dispose] and [data-lead]. Its row leaves at once, and returns if the server says no. */
import { mark, neighbour, select, selectedRow } from "./rows.js";

const CONFLICT = 409;
const FIELD_ERROR = 422;
const narrow = matchMedia("(max-width: 980px)");

// The event's own target is another one once the answer has replaced the form.
const formOf = ({ detail: { requestConfig: { elt } } }) => (elt.matches("[data-dispose]") ? elt : null);
const rowOf = (form) => document.getElementById(`lead-${form.dataset.lead}`);

function recount(row, by) {
  const count = row.closest("[data-group]")?.querySelector("[data-group-count]");
  // "100+" stays as it is.
  if (count && !Number.isNaN(Number(count.textContent))) count.textContent = Number(count.textContent) + by;
}

/* A form beside the list stays until its answer has come: only then the next lead takes its place. */
const isBeside = (form) => Boolean(form.closest("#preview"));

function leave(row, { load }) {
  const next = neighbour(row);
  row.hidden = true;
  recount(row, -1);
  select(next, { load });
}

function restore(row, { load }) {
  row.hidden = false;
  recount(row, 1);
  select(row, { load });
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = formOf(event);
  const row = form && rowOf(form);
  if (row && !row.hidden) leave(row, { load: !isBeside(form) });
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = formOf(event);
  const row = form && rowOf(form);
  if (!row) return;
  // Somebody else was first: the lead is not ours any more.
  const { successful, xhr } = event.detail;
  if (successful || xhr.status === CONFLICT) {
    row.remove();
    if (isBeside(form) && selectedRow()) select(selectedRow());
  } else {
    // After a field error the answer itself is the form again.
    restore(row, { load: xhr.status !== FIELD_ERROR });
  }
});

/* Answers come in any order: beside the list stands what was asked for last. */
let newest;
document.addEventListener("htmx:beforeRequest", ({ detail: { target, xhr } }) => {
  if (target.id === "preview") newest = xhr;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "preview" && detail.xhr !== newest) detail.shouldSwap = false;
});

/* What was pressed is gone once the lead has moved: the focus goes to what can be done now. */
let decided = false;
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  decided ||= target.contains(document.activeElement) && Boolean(document.activeElement.closest("#decide"));
});
document.addEventListener("htmx:afterSettle", () => {
  if (decided && document.activeElement === document.body) document.getElementById("decide")?.focus();
  decided = false;
});

/* A narrow page has no room for the preview: links into it are ordinary links there. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[hx-target='#preview']");
  if (!link) return;
  const row = link.closest("[data-row]");
  if (!narrow.matches) return void (row && mark(row));
  event.stopPropagation();
  if (link.matches("[data-select]") && row.dataset.href) {
    event.preventDefault();
    location.assign(row.dataset.href);
  }
}, { capture: true });
