/* Choosing rows of a list: [data-bulk] is the form, [data-bulk-all] ticks the rows of this page, Shift takes a range. */

let last;

const form = () => document.querySelector("[data-bulk]");
const boxes = () => [...document.querySelectorAll('input[name="id"][form="bulk"]')];

function show() {
  const bulk = form();
  if (!bulk) return;
  const said = bulk.querySelector("[data-bulk-said]");
  const chosen = boxes().filter((box) => box.checked).length;
  const all = bulk.elements.all?.checked;
  said.dataset.rest ??= said.textContent;
  said.textContent = all ? said.dataset.rest : chosen ? `${chosen} chosen` : said.dataset.rest;
  bulk.toggleAttribute("data-chosen", Boolean(chosen || all));
  const whole = document.querySelector("[data-bulk-all]");
  if (!whole) return;
  whole.checked = chosen > 0 && chosen === boxes().length;
  whole.indeterminate = chosen > 0 && !whole.checked;
}

document.addEventListener("click", (event) => {
  if (!event.target.matches('input[name="id"][form="bulk"]')) return;
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((one, other) => one - other);
  if (event.shiftKey && from >= 0) for (const box of all.slice(from, to + 1)) box.checked = event.target.checked;
  last = event.target;
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-bulk-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches('[data-bulk-all], [form="bulk"], [data-bulk] input')) show();
});

document.addEventListener("htmx:afterSettle", show);
addEventListener("pageshow", show);
show();
