// The API docs: Swagger UI over this host's own OpenAPI document, and nothing from anywhere else.
"use strict";

// The bundle has a dark face, but leaves it to the page to ask for it.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("docs"),
  layout: "BaseLayout",
  deepLinking: true,
  filter: true,
  docExpansion: "list",
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // The schemas repeat what each route already shows; they stay one click away.
  defaultModelsExpandDepth: 0,
  // The default sends this host's document to a validator on the network.
  validatorUrl: null,
});
