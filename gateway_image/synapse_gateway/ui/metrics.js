// Metrics of the gateway: parsing of /metrics, and rates between two scrapes.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
/** Points to keep: five minutes. */
export const MAX_POINTS = 60;

/** Parse the Prometheus text format into a map: name -> [{labels, value}]. */
export function parse(text) {
  const series = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : LINE.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]));
    if (!series.has(match[1])) series.set(match[1], []);
    series.get(match[1]).push({ labels, value: Number(match[3].replace("Inf", "Infinity")) });
  }
  return series;
}

/** Return the sum of a series over the labels that `matches` accepts. */
export function sum(series, name, matches = () => true) {
  return (series.get(name) ?? []).reduce((total, one) => (matches(one.labels) ? total + one.value : total), 0);
}

/** Return one point of the charts from two scrapes of the same replica. */
export function between(before, after, seconds) {
  const increase = (name, matches) => Math.max(0, sum(after, name, matches) - sum(before, name, matches));
  const requests = "synapse_http_requests_total";
  const isApiCall = (labels) => !EXCLUDED.has(labels.route);
  const tokens = (kind) => increase("synapse_tokens_total", (labels) => labels.kind === kind);
  return {
    seconds,
    requests: increase(requests, isApiCall) / seconds,
    errors: increase(requests, (labels) => isApiCall(labels) && labels.status >= "500") / seconds,
    tokens: (tokens("completion") || tokens("streamed")) / seconds,
    queue: sum(after, "synapse_backend_requests_waiting"),
    active: sum(after, "synapse_backend_requests_active"),
    p50: quantile(0.5, before, after),
    p95: quantile(0.95, before, after),
  };
}

const EXCLUDED = new Set(["/livez", "/readyz", "/metrics", "/health", "/events/terminal", "/models", "/ui/{name}"]);
const BUCKETS = "synapse_http_request_duration_seconds_bucket";

/** Return the duration quantile of the requests between two scrapes, in seconds; NaN if there were none. */
export function quantile(share, before, after) {
  const increase = new Map();
  for (const [series, sign] of [[after, 1], [before, -1]]) {
    for (const { labels, value } of series.get(BUCKETS) ?? []) {
      const edge = labels.le === "+Inf" ? Infinity : Number(labels.le);
      if (!EXCLUDED.has(labels.route)) increase.set(edge, (increase.get(edge) ?? 0) + sign * value);
    }
  }
  const edges = [...increase.keys()].sort((one, other) => one - other);
  const rank = share * (increase.get(Infinity) ?? 0);
  if (!(rank > 0)) return NaN;
  const at = edges.findIndex((edge) => increase.get(edge) >= rank);
  const [low, below] = at > 0 ? [edges[at - 1], increase.get(edges[at - 1])] : [0, 0];
  return edges[at] === Infinity ? low : low + ((edges[at] - low) * (rank - below)) / (increase.get(edges[at]) - below);
}

/** Points so far. Several replicas may respond in turn; each is compared with its own last scrape. */
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
    if (this.points.length > MAX_POINTS) this.points.shift();
    this.last.set(replica, { series, at });
    this.series = series;
    return this;
  }

  get uptimeS() {
    const startedAt = sum(this.series, "synapse_start_time_seconds");
    return startedAt ? Date.now() / 1000 - startedAt : NaN;
  }
}
