// Backends: the health, the figures and the routes of each.

import { reason } from "../api.js";
import { h, led, number } from "../dom.js";
import { sum } from "../metrics.js";
import { health, metrics, routes } from "../state.js";

const STATES = { healthy: "good", unhealthy: "warn", unreachable: "bad" };
const BREAKER = ["closed", "half open", "open"];

function figures(name) {
  const series = metrics.value?.series;
  if (!series) return [];
  const isOfBackend = ({ backend }) => backend === name;
  const of = (metric) => number(sum(series, metric, isOfBackend));
  const failed = sum(series, "synapse_backend_requests_total", ({ backend, outcome }) => isOfBackend({ backend }) && !/^[234]xx$/.test(outcome));
  return [
    ["Breaker", BREAKER[sum(series, "synapse_breaker_state", isOfBackend)]],
    ["Active", of("synapse_backend_requests_active")],
    ["Waiting", of("synapse_backend_requests_waiting")],
    ["Attempts", of("synapse_backend_requests_total")],
    ["Failed", number(failed)],
    ["Retries", of("synapse_backend_retries_total")],
  ];
}

function routeGroups(name) {
  return (routes.value?.[name]?.groups ?? []).map((group) => h("div", {},
    h("h4", {}, group.title),
    group.routes.length
      ? h("ul.routes", {}, group.routes.map(({ method, path }) => h("li", {}, h("b.method", {}, method), h("code", {}, path))))
      : h("p.muted", {}, "None.")));
}

function card(name, { status, code, error }, isOpen) {
  return h("article.card.backend", { "data-backend": name },
    h("header", {}, h("h2", {}, led(STATES[status], name)), h("span.mono.muted", {}, code ?? "")),
    h("p.muted", {}, error ? `${status}: ${error}` : status),
    h("dl.pairs.figures", {}, figures(name).map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
    h("details", { open: isOpen }, h("summary", {}, "Routes"), routeGroups(name)));
}

function make() {
  const cards = h("div.cards");
  const show = () => {
    const open = new Set([...cards.querySelectorAll("details[open]")].map((one) => one.closest("article").dataset.backend));
    const focused = cards.contains(document.activeElement) ? document.activeElement.closest("article").dataset.backend : null;
    const states = Object.entries(health.value?.backends ?? {});
    cards.classList.toggle("stale", health.isStale);
    cards.replaceChildren(...(states.length
      ? states.map(([name, state]) => card(name, state, open.has(name)))
      : [h("p.card.muted", {}, health.error ? reason(health.error) : "No backend is configured.")]));
    if (focused) cards.querySelector(`[data-backend="${CSS.escape(focused)}"] summary`)?.focus();
  };
  for (const poll of [health, metrics, routes]) poll.watch(show);
  return cards;
}

export const backends = { id: "backends", title: "Backends", make };
