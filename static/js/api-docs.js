// The page of the API: draws the schema, and tries requests out with the token that somebody pastes.
const place = document.getElementById("api-docs");
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

// Swagger UI has its own colours for the dark.
const paint = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
paint();
dark.addEventListener("change", paint);
new MutationObserver(paint).observe(root, { attributeFilter: ["data-theme"] });

globalThis.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [globalThis.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  // With it, links would lie inside buttons.
  deepLinking: false,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  // The token stays in this page, and nothing is asked of another host.
  persistAuthorization: false,
  validatorUrl: null,
});
