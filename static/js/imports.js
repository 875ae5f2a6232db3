/* Imports: a file can be dropped on the page, and choosing what a column is shows at once what follows from it. */

const drop = document.querySelector("[data-drop]");

function receive(files) {
  const input = drop.querySelector("input[type=file]");
  input.files = files;
  if (input.files.length) send();
}

function send() {
  drop.querySelector("[data-drop-state]").textContent = "Uploading and reading…";
  drop.requestSubmit();
}

if (drop) {
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.toggleAttribute("data-over", name === "dragover");
      if (name === "drop") receive(event.dataTransfer.files);
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.removeAttribute("data-over");
  });
  drop.addEventListener("change", () => send());
}

/* Which questions there are depends on the status column. */
document.querySelector("[data-columns]")?.addEventListener("change", (event) => {
  const isColumn = event.target.name?.startsWith("column-");
  const { form } = event.target;
  const before = event.target.dataset.before ?? [...event.target.options ?? []].find((each) => each.defaultSelected)?.value;
  if (isColumn && [before, event.target.value].includes("status")) form.querySelector("[name=look]").click();
});
