// The models: which are loaded, and loading and unloading them.

import { reason, send } from "../api.js";
import { button, h, led } from "../dom.js";
import { canSwitch, models as poll } from "../state.js";
import { detail } from "./model_dialog.js";

const WAIT_MS = 90_000;
const LOOK_MS = 2_000;
const LIGHTS = { loaded: "good", loading: "warn", sleeping: "warn", unloading: "warn", downloading: "warn" };
const busy = new Map();

export function stateOf(model) {
  if (model.status?.failed) return "failed";
  return model.status?.value ?? "served";
}

/** Do what `verb` says and look until it shows, for at most 90 seconds. */
async function act(verb, id, say) {
  const wanted = verb === "load" ? "loaded" : "unloaded";
  busy.set(id, verb);
  poll.tell();
  try {
    await send("POST", `/models/${verb}`, { model: id });
    say(`${id}: ${verb} has begun.`);
    say(await settles(id, wanted) ? `${id} is ${wanted}.` : `${id} is not ${wanted} yet; it may still come.`);
  } catch (error) {
    say(`${id}: ${reason(error)}`);
  } finally {
    busy.delete(id);
    await poll.ask();
  }
}

async function settles(id, wanted) {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await new Promise((done) => setTimeout(done, LOOK_MS))) {
    await poll.ask();
    const model = poll.value?.find((one) => one.id === id);
    const state = model ? stateOf(model) : "unloaded";
    if (state === wanted) return true;
    if (state === "failed") throw new Error("loading failed; the terminal may say why");
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
    h("td.actions", {}, canSwitch() && button(verb === "load" ? "Load" : "Unload", () => act(verb, model.id, say),
      { disabled: busy.has(model.id), "aria-label": `${verb === "load" ? "Load" : "Unload"} ${model.id}` })));
}

function make() {
  const search = h("input", { type: "search", placeholder: "Search models", "aria-label": "Search models", autocomplete: "off" });
  const body = h("tbody");
  const said = h("p.muted", { role: "status", "aria-live": "polite" });
  const say = (text) => { said.textContent = text; };
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    const found = (poll.value ?? []).filter(({ id }) => words.every((word) => id.toLowerCase().includes(word)));
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    body.classList.toggle("stale", poll.isStale);
    body.replaceChildren(...found.map((model) => row(model, say)));
    if (!found.length) body.append(h("tr", {}, h("td.muted", { colspan: 5 }, nothing())));
    if (focused) body.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  search.addEventListener("input", show);
  poll.watch(show);
  const heads = ["Model", "State", "Context", "Owner"].map((name) => h("th", { scope: "col" }, name));
  return h("div.stack", {}, h("div.toolbar", {}, search, said), h("div.card.scroll", {}, h("table", {},
    h("thead", {}, h("tr", {}, heads, h("td", {}))), body)));
}

function nothing() {
  if (poll.error) return reason(poll.error);
  return poll.value?.length ? "No model has that in its name." : poll.value ? "There are no models." : "Looking…";
}

export const models = { id: "models", title: "Models", make };
