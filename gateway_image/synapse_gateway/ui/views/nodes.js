// A card for each backend, and the routes that reach it.

import { reason } from "../api.js";
import { h, led, number } from "../dom.js";
import { sum } from "../metrics.js";
import { health, metrics, routes } from "../state.js";

const STATES = { healthy: "good", unhealthy: "warn", unreachable: "bad" };
const BREAKER = ["closed", "half open", "open"];

function figures(name) {
  const series = metrics.value?.series;
  if (!series) return [];
  const mine = ({ backend }) => backend === name;
  const of = (metric) => number(sum(series, metric, mine));
  const broken = sum(series, "synapse_backend_requests_total", ({ backend, outcome }) => mine({ backend }) && !/^[234]xx$/.test(outcome));
  return [
    ["Breaker", BREAKER[sum(series, "synapse_breaker_state", mine)]],
    ["Active", of("synapse_backend_requests_active")],
    ["Waiting", of("synapse_backend_requests_waiting")],
    ["Attempts", of("synapse_backend_requests_total")],
    ["Failed", number(broken)],
    ["Retries", of("synapse_backend_retries_total")],
  ];
}

function inspector(name) {
  return (routes.value?.[name]?.groups ?? []).map((group) => h("div", {},
    h("h4", {}, group.title),
    group.routes.length
      ? h("ul.routes", {}, group.routes.map(({ method, path }) => h("li", {}, h("b.method", {}, method), h("code", {}, path))))
      : h("p.muted", {}, "None.")));
}

function card(name, { status, code, error }, isOpen) {
  return h("article.card.node", { "data-node": name },
    h("header", {}, h("h2", {}, led(STATES[status], name)), h("span.mono.muted", {}, code ?? "")),
    h("p.muted", {}, error ? `${status}: ${error}` : status),
    h("dl.pairs.figures", {}, figures(name).map(([what, value]) => h("div", {}, h("dt", {}, what), h("dd", {}, value)))),
    h("details", { open: isOpen }, h("summary", {}, "Routes"), inspector(name)));
}

function make() {
  const cards = h("div.cards");
  const show = () => {
    const open = new Set([...cards.querySelectorAll("details[open]")].map((one) => one.closest("article").dataset.node));
    const focused = cards.contains(document.activeElement) ? document.activeElement.closest("article").dataset.node : null;
    const backends = Object.entries(health.value?.backends ?? {});
    cards.classList.toggle("stale", health.isStale);
    cards.replaceChildren(...(backends.length
      ? backends.map(([name, state]) => card(name, state, open.has(name)))
      : [h("p.card.muted", {}, health.error ? reason(health.error) : "No backend is configured.")]));
    if (focused) cards.querySelector(`[data-node="${CSS.escape(focused)}"] summary`)?.focus();
  };
  for (const poll of [health, metrics, routes]) poll.watch(show);
  return cards;
}

export const nodes = { id: "nodes", title: "Nodes", make };
