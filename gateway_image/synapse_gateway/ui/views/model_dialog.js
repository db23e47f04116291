// Dialog of one model: its state, and its profile, whose fields are described by the gateway.

import { json, reason, send } from "../api.js";
import { button, clock, field, h } from "../dom.js";
import { canSwitch, models } from "../state.js";

const at = (id) => `/models/${encodeURIComponent(id)}`;

/** Open the dialog of `model`. */
export function detail(model) {
  const status = h("p", { role: "status", "aria-live": "polite" });
  const profile = h("div.stack", {}, h("p.muted", {}, canSwitch() ? "Loading…" : "Models of this backend have no profile."));
  const dialog = h("dialog.card.model", { "aria-labelledby": "model-title" },
    h("header", {}, h("h2.mono", { id: "model-title" }, model.id), button("Close", () => dialog.close())),
    facts(model),
    h("h3", {}, "Profile"), profile, status,
    h("details", {}, h("summary", {}, "Raw JSON"), h("pre", { tabindex: 0 }, JSON.stringify(model, null, 2))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (canSwitch()) edit(model.id, profile, status);
}

function facts(model) {
  const pairs = [
    ["State", model.status?.failed ? `failed (${model.status.exit_code ?? "?"})` : model.status?.value ?? "served"],
    ["Owner", model.owned_by ?? "–"],
    ["Created", model.created ? `${new Date(model.created * 1000).toLocaleDateString("en-CA")} ${clock(model.created * 1000)}` : "–"],
    ["Arguments", model.status?.args?.join(" ") ?? "–"],
  ];
  return h("dl.pairs", {}, pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd.mono", {}, value)]));
}

async function edit(id, container, status) {
  const report = (text, isBad = false) => { status.textContent = text; status.className = isBad ? "bad" : "good-text"; };
  const run = (action, done) => async (event) => {
    event?.preventDefault();
    try {
      await action();
      report(done);
      models.refresh();
    } catch (error) {
      report(reason(error), true);
    }
  };
  try {
    const [schema, { values }] = await Promise.all([json(`${at(id)}/schema`), json(`${at(id)}/profile`)]);
    const controls = schema.fields.map((described) => [described, control(described, values[described.name])]);
    const save = () => send("PUT", `${at(id)}/profile`, { values: read(controls), replace: true });
    const apply = async () => {
      await save();
      const { load } = await (await send("POST", `${at(id)}/profile/apply`, { load_model: true })).json();
      if (load && !load.success) throw new Error(load.detail ?? "the model was not loaded");
    };
    const reset = async () => {
      await send("PUT", `${at(id)}/profile`, { values: {}, replace: true });
      controls.forEach(([, input]) => { input.value = ""; });
    };
    container.replaceChildren(h("form.stack", { onsubmit: run(save, "Saved.") },
      h("div.fields", {}, controls.map(([described, input]) => field(described.label, input, hint(described)))),
      (schema.notes ?? []).map((note) => h("p.muted", {}, note)),
      h("div.toolbar", {}, h("button.primary", { type: "submit" }, "Save"),
        button("Save and load", run(apply, "Saved and loaded.")), button("Reset", run(reset, "Reset.")))));
  } catch (error) {
    container.replaceChildren(h("p.bad", {}, reason(error)));
  }
}

function control({ type, choices, min, max, step, default: standard }, value = "") {
  if (choices) {
    const options = ["", ...choices].map((choice) => h("option", { value: choice, selected: choice === value }, choice || `(${standard})`));
    return h("select", {}, options);
  }
  if (type === "string") return h("textarea", { rows: 3 }, value);
  return h("input", { type: "number", min, max, step: step ?? (type === "integer" ? 1 : "any"), value, placeholder: standard });
}

function hint({ description, applies_at: when, min, max }) {
  const range = min === undefined || min === null ? "" : ` ${min} to ${max}.`;
  return `${description ?? ""}${range}${when === "load" ? " Takes effect when the model is loaded." : ""}`.trim();
}

/** Return the values of the form, without the empty ones. */
function read(controls) {
  const filled = controls.filter(([, input]) => input.value !== "");
  return Object.fromEntries(filled.map(([{ name, type }, { value }]) => [name, ["number", "integer"].includes(type) ? Number(value) : value]));
}
