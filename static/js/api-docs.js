// The page of the API: draws the schema, and tries requests out with the token that somebody pastes.
const place = document.getElementById("api-docs");

globalThis.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [globalThis.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // The token stays in this page: nothing is stored.
  persistAuthorization: false,
  // Nothing is asked of another host.
  validatorUrl: null,
});
