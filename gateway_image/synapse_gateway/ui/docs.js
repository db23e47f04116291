// API reference: Swagger UI with the OpenAPI document of the gateway.

const target = document.getElementById("reference");

SwaggerUIBundle({
  domNode: target,
  url: target.dataset.document,
  deepLinking: true,
  docExpansion: "list", // operations folded: unfolding all of them takes a browser half a minute
  validatorUrl: null, // the default is a service outside
});
