// Element of one line of the feed.

import { clock, h } from "./dom.js";

export function line({ ts, level, source, message, instance }) {
  return h("li", { "data-level": level, title: instance },
    h("time.muted", { datetime: ts }, clock(ts)),
    h("span.level", {}, level),
    h("span.source", { title: source }, source.replace(/^synapse_gateway\./, "")),
    h("span.message", {}, message));
}
