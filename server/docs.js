// Sets Swagger UI up on the page that GET /docs serves.
SwaggerUIBundle({
  url: document.documentElement.dataset.root + "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
