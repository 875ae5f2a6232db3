/* <button data-copy="id">: copies the text of the field with that id and says so for a moment. */
const SAID_FOR = 2000;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  say(button, (await copy(field)) ? "Copied" : "Press Ctrl+C now");
});

/* Without HTTPS there is no clipboard: the text is selected, so that one key copies it. */
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

function say(button, text) {
  const label = button.querySelector("span");
  const before = button.dataset.label ?? (button.dataset.label = label.textContent);
  label.textContent = text;
  label.setAttribute("aria-live", "polite");
  setTimeout(() => { label.textContent = before; }, SAID_FOR);
}
