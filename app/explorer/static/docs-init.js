// The API docs: Swagger UI over this host's own OpenAPI document, and nothing from anywhere else.
"use strict";

// The bundle has a dark face, but leaves it to the page to ask for it.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

// Swagger UI fills every field with its example or its default, and then sends them all: thirty filters at once, which
// find nothing. So a field that may stay empty does, and says its example and its default in words.
const example = ({ example, examples, schema = {} }) =>
  example ?? Object.values(examples ?? {})[0]?.value ?? schema.example ?? schema.examples?.[0];

const words = (label, value) => (value === undefined || value === null ? "" : `\n\n${label}: \`${[value].flat().join(", ")}\``);

const emptied = (parameter) => {
  if (parameter.required || parameter.$ref) return parameter;
  const { example: _one, examples: _many, ...rest } = parameter;
  const { example: _its, examples: _theirs, default: usual, ...schema } = parameter.schema ?? {};
  const description = (rest.description ?? "") + words("Example", example(parameter)) + words("Default", usual);
  return { ...rest, description, schema };
};

const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

const withEmptyFields = (api) => ({
  ...api,
  paths: mapped(api.paths ?? {}, (path) =>
    mapped(path, (operation) =>
      Array.isArray(operation?.parameters)
        ? { ...operation, parameters: operation.parameters.map(emptied) }
        : operation,
    ),
  ),
});

const EmptyFields = () => ({
  statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (api) => update(withEmptyFields(api)) } } },
});

SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("docs"),
  plugins: [EmptyFields],
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
