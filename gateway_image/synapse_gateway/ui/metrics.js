// What /metrics says, and what happened between two looks at it.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
/** Points that are kept: five minutes of them. */
export const KEPT = 60;

/** Prometheus's text as a map: name -> [{labels, value}]. */
export function parse(text) {
  const series = new Map();
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : LINE.exec(line);
    if (!found) continue;
    const labels = Object.fromEntries([...(found[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]));
    if (!series.has(found[1])) series.set(found[1], []);
    series.get(found[1]).push({ labels, value: Number(found[3].replace("Inf", "Infinity")) });
  }
  return series;
}

/** The sum of a series over the labels that `wanted` accepts. */
export function sum(series, name, wanted = () => true) {
  return (series.get(name) ?? []).reduce((total, one) => (wanted(one.labels) ? total + one.value : total), 0);
}

/** One point of the charts from two looks at the same replica. */
export function between(before, after, seconds) {
  const gained = (name, wanted) => Math.max(0, sum(after, name, wanted) - sum(before, name, wanted));
  const requests = "synapse_http_requests_total";
  const isServed = (labels) => !QUIET.has(labels.route);
  const tokens = (kind) => gained("synapse_tokens_total", (labels) => labels.kind === kind);
  return {
    seconds,
    requests: gained(requests, isServed) / seconds,
    errors: gained(requests, (labels) => isServed(labels) && labels.status >= "500") / seconds,
    tokens: (tokens("completion") || tokens("streamed")) / seconds,
    queue: sum(after, "synapse_backend_requests_waiting"),
    active: sum(after, "synapse_backend_requests_active"),
    p50: quantile(0.5, before, after),
    p95: quantile(0.95, before, after),
  };
}

const QUIET = new Set(["/livez", "/readyz", "/metrics", "/health", "/events/terminal", "/models", "/ui/{name}"]);
const BUCKETS = "synapse_http_request_duration_seconds_bucket";

/** Seconds within which that share of the requests between two looks was answered; NaN where there were none. */
export function quantile(share, before, after) {
  const gained = new Map();
  for (const [series, sign] of [[after, 1], [before, -1]]) {
    for (const { labels, value } of series.get(BUCKETS) ?? []) {
      const edge = labels.le === "+Inf" ? Infinity : Number(labels.le);
      if (!QUIET.has(labels.route)) gained.set(edge, (gained.get(edge) ?? 0) + sign * value);
    }
  }
  const edges = [...gained.keys()].sort((one, other) => one - other);
  const rank = share * (gained.get(Infinity) ?? 0);
  if (!(rank > 0)) return NaN;
  const at = edges.findIndex((edge) => gained.get(edge) >= rank);
  const [low, below] = at > 0 ? [edges[at - 1], gained.get(edges[at - 1])] : [0, 0];
  return edges[at] === Infinity ? low : low + ((edges[at] - low) * (rank - below)) / (gained.get(edges[at]) - below);
}

/** The points so far. Several replicas may answer in turn: each is compared with itself alone. */
export class History {
  constructor() {
    this.points = [];
    this.last = new Map();
    this.series = new Map();
  }

  add(text, at = Date.now()) {
    const series = parse(text);
    const replica = sum(series, "synapse_start_time_seconds");
    const before = this.last.get(replica);
    if (before && at > before.at) this.points.push(between(before.series, series, (at - before.at) / 1000));
    if (this.points.length > KEPT) this.points.shift();
    this.last.set(replica, { series, at });
    this.series = series;
    return this;
  }

  get uptimeS() {
    const began = sum(this.series, "synapse_start_time_seconds");
    return began ? Date.now() / 1000 - began : NaN;
  }
}
