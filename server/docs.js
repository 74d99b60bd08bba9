// Sets Swagger UI up on the page that GET /docs serves.
const { root, client } = document.documentElement.dataset;
const ui = SwaggerUIBundle({
  url: root + "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  oauth2RedirectUrl: window.location.origin + root + "/docs/oauth2-redirect.html",
});
ui.initOAuth({ clientId: client, usePkceWithAuthorizationCodeGrant: true });
