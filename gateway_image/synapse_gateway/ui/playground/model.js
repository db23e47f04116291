// Input of a model name, with a list of the models of the gateway.

import { field, h } from "../dom.js";
import { catalog } from "../state.js";

/** Create a field for a model, filled with one whose name matches `pattern`, preferably a loaded one. */
export function modelField(pattern) {
  const input = h("input", { list: "model-names", autocomplete: "off", spellcheck: "false", required: true });
  catalog.watch(() => {
    const suitable = (catalog.value ?? []).filter(({ id }) => pattern.test(id));
    const best = suitable.find(({ status }) => status?.value === "loaded") ?? suitable[0];
    if (!input.value && best) input.value = best.id;
  });
  return { input, element: field("Model", input) };
}
