// Terminal: the feed, with filters by level and text; hidden lines are kept.

import { button, h, led } from "../dom.js";
import { feed } from "../feed.js";
import { line } from "../lines.js";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const WORDS = { connecting: ["warn", "connecting"], live: ["good", "live"], off: ["unknown", "switched off"] };
const NEAR_PX = 40;

function make() {
  const hidden = new Set();
  const search = h("input", { type: "search", placeholder: "Filter lines", "aria-label": "Filter lines", autocomplete: "off" });
  const list = h("ol.log.tall", { tabindex: 0, "aria-label": "Lines of the feed" });
  const state = h("span", { role: "status", "aria-live": "polite" });
  const count = h("span.muted");
  const matches = ({ level, source, message }) =>
    !hidden.has(level) && `${source} ${message}`.toLowerCase().includes(search.value.toLowerCase());
  const updateCount = () => { count.textContent = `${list.children.length} of ${feed.lines.length} lines`; };
  const showAll = () => { list.replaceChildren(...feed.lines.filter(matches).map(line)); list.scrollTop = list.scrollHeight; updateCount(); };
  const add = ({ detail }) => {
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX;
    if (matches(detail)) list.append(line(detail));
    while (list.children.length > feed.lines.length) list.firstChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    updateCount();
  };
  const showState = () => {
    const [light, word] = WORDS[feed.state];
    state.replaceChildren(led(light, feed.instance && feed.state === "live" ? `${word} from ${feed.instance}` : word));
    if (feed.state === "live") showAll();
    if (feed.state === "off") list.replaceChildren(h("li.muted", {}, "The feed is off. Set SYNAPSE_TERMINAL_FEED_MODE=live to turn it on."));
  };
  const toggle = (level) => {
    const one = button(level, () => {
      one.setAttribute("aria-pressed", hidden.delete(level) || !hidden.add(level));
      showAll();
    }, { "aria-pressed": "true", class: "toggle", "data-level": level });
    return one;
  };
  const clear = button("Clear", () => { feed.lines.length = 0; showAll(); });
  search.addEventListener("input", showAll);
  feed.addEventListener("line", add);
  feed.addEventListener("state", showState);
  make.end = () => { list.scrollTop = list.scrollHeight; };
  showState();
  return h("div.stack", {}, h("div.toolbar", {}, search, h("div.toggles", { role: "group", "aria-label": "Levels" }, LEVELS.map(toggle)),
    clear, state, count), list);
}

export const terminal = { id: "terminal", title: "Terminal", make, shown: () => make.end() };
