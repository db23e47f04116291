// Models: their state, and loading and unloading.

import { reason, send } from "../api.js";
import { button, h, led } from "../dom.js";
import { canSwitch, models as poll } from "../state.js";
import { detail } from "./model_dialog.js";

const WAIT_MS = 90_000;
const POLL_MS = 2_000;
const LIGHTS = { loaded: "good", loading: "warn", sleeping: "warn", unloading: "warn", downloading: "warn" };
const busy = new Map();

export function stateOf(model) {
  if (model.status?.failed) return "failed";
  return model.status?.value ?? "served";
}

/** Load or unload a model and wait for the result, for at most 90 seconds. */
async function switchModel(verb, id, say) {
  const target = verb === "load" ? "loaded" : "unloaded";
  busy.set(id, verb);
  poll.notify();
  try {
    await send("POST", `/models/${verb}`, { model: id });
    say(`${id}: ${verb} has begun.`);
    say(await reaches(id, target) ? `${id} is ${target}.` : `${id} is not ${target} yet; it may still happen.`);
  } catch (error) {
    say(`${id}: ${reason(error)}`);
  } finally {
    busy.delete(id);
    await poll.refresh();
  }
}

async function reaches(id, target) {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await new Promise((done) => setTimeout(done, POLL_MS))) {
    await poll.refresh();
    const model = poll.value?.find((one) => one.id === id);
    const state = model ? stateOf(model) : "unloaded";
    if (state === target) return true;
    if (state === "failed") throw new Error("loading failed; see the terminal for the reason");
  }
  return false;
}

function row(model, say) {
  const state = busy.has(model.id) ? `${busy.get(model.id)}ing` : stateOf(model);
  const verb = state === "loaded" || state === "sleeping" ? "unload" : "load";
  const context = model.status?.args?.[model.status.args.indexOf("--ctx-size") + 1];
  const hasContext = model.status?.args?.includes("--ctx-size");
  return h("tr", {},
    h("th", { scope: "row" }, button(model.id, () => detail(model), { class: "link mono", "aria-label": `Details of ${model.id}` })),
    h("td", {}, led(state === "failed" ? "bad" : LIGHTS[state] ?? "unknown", state)),
    h("td.mono.muted", {}, hasContext ? context : "–"),
    h("td.muted", {}, model.owned_by ?? "–"),
    h("td.actions", {}, canSwitch() && button(verb === "load" ? "Load" : "Unload", () => switchModel(verb, model.id, say),
      { disabled: busy.has(model.id), "aria-label": `${verb === "load" ? "Load" : "Unload"} ${model.id}` })));
}

function make() {
  const search = h("input", { type: "search", placeholder: "Search models", "aria-label": "Search models", autocomplete: "off" });
  const body = h("tbody");
  const status = h("p.muted", { role: "status", "aria-live": "polite" });
  const say = (text) => { status.textContent = text; };
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    const matches = (poll.value ?? []).filter(({ id }) => words.every((word) => id.toLowerCase().includes(word)));
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    body.classList.toggle("stale", poll.isStale);
    body.replaceChildren(...matches.map((model) => row(model, say)));
    if (!matches.length) body.append(h("tr", {}, h("td.muted", { colspan: 5 }, emptyText())));
    if (focused) body.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  search.addEventListener("input", show);
  poll.watch(show);
  const heads = ["Model", "State", "Context", "Owner"].map((name) => h("th", { scope: "col" }, name));
  return h("div.stack", {}, h("div.toolbar", {}, search, status), h("div.card.scroll", {}, h("table", {},
    h("thead", {}, h("tr", {}, heads, h("td", {}))), body)));
}

function emptyText() {
  if (poll.error) return reason(poll.error);
  return poll.value?.length ? "No model matches the search." : poll.value ? "There are no models." : "Loading…";
}

export const models = { id: "models", title: "Models", make };
