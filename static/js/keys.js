/* One-key commands. A control names its key ([data-key="a"]); J and K walk the rows, G goes to a page ([data-go="q"]).
   ⌘K, Ctrl-K and / search everywhere. Ignored in fields and with Ctrl, Alt or ⌘; switched off in the account. */
import { openPalette } from "./palette.js";
import { selectedRow, step } from "./rows.js";

const FIELDS = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit], [type=button])";
const GO_WITHIN = 1500;
const help = document.getElementById("keys");
let goUntil = 0;

const isOn = document.documentElement.dataset.keys !== "off";
const isShown = (element) => element.checkVisibility() && !element.disabled;

/* The control of a key: the selected row's own first, else one that belongs to no row. */
function control(key) {
  const all = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].filter(isShown);
  const row = selectedRow();
  // Of several notes with an Undo the newest is the last.
  return all.find((element) => row?.contains(element)) ?? all.findLast((element) => !element.closest("[data-row]"));
}

function press(element) {
  if (element.matches(FIELDS)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
  return true;
}

function chooseReason(digit) {
  const radio = document.querySelectorAll("[data-reasons] input[type=radio]")[digit - 1];
  radio?.click();
  radio?.focus();
  return Boolean(radio);
}

const isOnRow = () => document.activeElement === document.body || document.activeElement.matches("[data-select]");

/* Where reasons wait for a choice, Enter is for their form. */
function sendReasons() {
  const form = document.querySelector("[data-reasons]")?.closest("form");
  if (!form?.checkVisibility() || !isOnRow()) return false;
  form.requestSubmit();
  return true;
}

function openSelected() {
  const row = selectedRow();
  if (!row?.dataset.href || !isOnRow()) return false;
  location.assign(row.dataset.href);
  return true;
}

/* Returns whether the key meant something. */
function command(key) {
  if (performance.now() < goUntil) {
    goUntil = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (link) return press(link);
  }
  if (key === "/") return openPalette() ?? true;
  if (key === "?") return help.showModal() ?? true;
  if (key === "g") return Boolean((goUntil = performance.now() + GO_WITHIN));
  if (key === "j" && step(1)) return true;
  if (key === "k" && step(-1)) return true;
  if (key === "Enter") return sendReasons() || openSelected();
  const target = control(key);
  if (target) return press(target);
  return /^[1-9]$/.test(key) && chooseReason(Number(key));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || !isOn) return;
  const isSearch = event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey);
  const dialog = document.querySelector("dialog[open]");
  if (dialog) {
    // The browser has a ⌘K of its own.
    if (isSearch) { event.preventDefault(); dialog.close(); }
    return;
  }
  if (!isSearch && (event.metaKey || event.ctrlKey || event.altKey)) return;
  const key = isSearch ? "/" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.target.matches(FIELDS) && !isSearch) {
    if (key === "Escape") event.target.blur();
    return;
  }
  if (command(key)) event.preventDefault();
});
