// Overview: status, charts, backends and the last lines of the feed.

import { reason } from "../api.js";
import { chart } from "../chart.js";
import { clock, duration, h, led, number } from "../dom.js";
import { feed } from "../feed.js";
import { line } from "../lines.js";
import { canSwitch, health, metrics, models, overall } from "../state.js";

const PREVIEW = 8;
const CHARTS = [
  ["Latency", [{ key: "p50", label: "p50" }, { key: "p95", label: "p95" }], duration],
  ["Tokens per second", [{ key: "tokens", label: "generated" }], number],
  ["Requests per second", [{ key: "requests", label: "all" }, { key: "errors", label: "5xx" }], number],
  ["Queue", [{ key: "queue", label: "waiting" }, { key: "active", label: "active" }], number],
];
const STATES = { healthy: "good", unhealthy: "warn", unreachable: "bad" };

function tiles() {
  const backends = Object.values(health.value?.backends ?? {});
  const healthy = backends.filter(({ status }) => status === "healthy").length;
  const list = models.value ?? [];
  const loaded = list.filter((model) => model.status?.value === "loaded").length;
  const points = metrics.value?.points ?? [];
  const errors = points.reduce((total, point) => total + point.errors * point.seconds, 0);
  const spanS = points.reduce((total, point) => total + point.seconds, 0);
  const [state, word] = overall();
  return [
    ["Status", led(state, word)],
    ["Backends", `${healthy} of ${backends.length}`, "healthy"],
    ["Models", canSwitch() ? `${loaded} of ${list.length}` : number(list.length), canSwitch() ? "loaded" : "served"],
    ["Errors", number(Math.round(errors)), `in the last ${duration(Math.max(5, Math.round(spanS)))}`],
    ["Uptime", duration(metrics.value?.uptimeS), "this replica"],
    ["Last check", health.at ? clock(health.at) : "–", health.isStale ? "stale" : health.value && `took ${duration(health.value.tookMs / 1000)}`],
  ];
}

function tile([name, value, note]) {
  return h("div.tile", {}, h("dt", {}, name), h("dd", {}, h("span.value", {}, value), note && h("small.muted", {}, note)));
}

function backendRows() {
  const backends = Object.entries(health.value?.backends ?? {});
  if (!backends.length) return [h("li.muted", {}, health.error ? reason(health.error) : "No backend is configured.")];
  return backends.map(([name, { status, code, error }]) =>
    h("li", {}, led(STATES[status], name), h("span.muted.mono", {}, code ?? error ?? "")));
}

function make() {
  const numbers = h("dl.tiles");
  const charts = CHARTS.map(([title, lines, write]) => chart(title, lines, write));
  const backends = h("ul.rows");
  const lines = h("ol.log", { "aria-label": "Last lines of the feed" });
  const retile = () => { numbers.replaceChildren(...tiles().map(tile)); numbers.classList.toggle("stale", health.isStale); };
  const redraw = () => charts.forEach(({ draw }) => draw(metrics.value?.points ?? []));
  const tail = () => lines.replaceChildren(...feed.lines.slice(-PREVIEW).map(line));
  for (const poll of [health, models, metrics]) poll.watch(retile);
  health.watch(() => backends.replaceChildren(...backendRows()));
  metrics.watch(redraw);
  feed.addEventListener("line", tail);
  feed.addEventListener("state", tail);
  tail();
  return h("div.stack", {}, numbers, h("div.charts", {}, charts.map(({ element }) => element)),
    h("div.columns", {},
      h("section.card", {}, h("h2", {}, "Backends"), backends),
      h("section.card.wide", {}, h("h2", {}, "Terminal ", h("a", { href: "#terminal" }, "all lines")), lines)));
}

export const overview = { id: "overview", title: "Overview", make };
