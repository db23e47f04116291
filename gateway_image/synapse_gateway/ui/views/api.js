// API: links to its documentation, and a first call.

import { button, h } from "../dom.js";

const PAGES = [
  ["/docs", "Reference", "Every operation with its request and response."],
  ["/openapi.json", "OpenAPI document", "For client and test generators."],
  ["/health", "Health", "Health of every backend, as JSON."],
  ["/metrics", "Metrics", "For Prometheus."],
];

const EXAMPLES = () => ({
  curl: `curl ${location.origin}/v1/chat/completions \\
  -H "Authorization: Bearer $SYNAPSE_API_KEY" -H "Content-Type: application/json" \\
  -d '{"model": "MODEL", "messages": [{"role": "user", "content": "Hello"}], "stream": true}'`,
  Python: `import os

from openai import OpenAI

client = OpenAI(base_url="${location.origin}/v1", api_key=os.environ["SYNAPSE_API_KEY"])
response = client.chat.completions.create(model="MODEL", messages=[{"role": "user", "content": "Hello"}])`,
});

function example([name, text]) {
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
  }, { "aria-label": `Copy the ${name} example` });
  return h("section.card", {}, h("header", {}, h("h2", {}, name), copy), h("pre", { tabindex: 0, "aria-label": `${name} example` }, text));
}

function make() {
  return h("div.stack", {},
    h("ul.cards.links", {}, PAGES.map(([path, title, text]) =>
      h("li", {}, h("a.card", { href: path }, h("b", {}, title), h("code", {}, path), h("span.muted", {}, text))))),
    h("p.muted", {}, "The dashboard calls the API with your session. Other clients send a key if keys are configured."),
    Object.entries(EXAMPLES()).map(example));
}

export const api = { id: "api", title: "API", make };
