/* Every signed-in page: the modules that need no invitation, and small behaviours of the shell. */
import "./countdown.js";
import "./keys.js";
import "./live.js";
import { openPalette } from "./palette.js";
import "./toasts.js";

const root = document.documentElement;

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) {
    opener.closest("[popover]")?.hidePopover();
    document.getElementById(opener.dataset.openDialog).showModal();
  }
  // Without JavaScript it is a link to the page of the search.
  if (event.target.closest("[data-open-palette]") && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    openPalette();
  }
  // A link to a field leads into it.
  document.getElementById(event.target.closest("a[data-focus]")?.hash.slice(1))?.focus();
  // A click on a dialog itself, not on something in it, is one on its backdrop.
  if (event.target.matches("dialog")) event.target.close();

  const theme = event.target.closest("[data-theme-choice] button");
  if (theme) showTheme(theme);
});

document.addEventListener("change", (event) => {
  event.target.closest("form[data-autosubmit]")?.requestSubmit();
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("accord:theme"));
});

/* At once; the form behind the button tells the server. */
function showTheme(chosen) {
  if (chosen.value === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen.value;
  for (const button of chosen.form.querySelectorAll("button")) button.setAttribute("aria-pressed", button === chosen);
  document.dispatchEvent(new CustomEvent("accord:theme"));
}

// Where the sidebar is longer than the window, it begins at the page that is open.
document.querySelector(".side .nav [aria-current]")?.scrollIntoView({ block: "nearest" });

// A form that comes back with mistakes begins at the first of them.
const mistake = document.querySelector("main [aria-invalid='true']");
if (mistake?.checkVisibility()) {
  mistake.scrollIntoView({ block: "center" });
  mistake.focus({ preventScroll: true });
}

// Modules are deferred: all of them have run by now, and tests may begin.
document.addEventListener("DOMContentLoaded", () => {
  root.dataset.ready = "";
});
