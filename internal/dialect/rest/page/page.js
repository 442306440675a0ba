"use strict";

// The document is on the same server, and so are all calls: nothing is asked of
// any other host. The token is kept in the page's memory alone.
SwaggerUIBundle({
  url: "/waybill/v1/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
