// API reference: Swagger UI with the gateway's OpenAPI document; /redoc shows every operation unfolded.

const target = document.getElementById("reference");

SwaggerUIBundle({
  domNode: target,
  url: target.dataset.document,
  deepLinking: true,
  docExpansion: location.pathname === "/redoc" ? "full" : "list",
  validatorUrl: null, // the default is a service outside
});
