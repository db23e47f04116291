// Choosing a model by name; the names that are known are offered.

import { field, h } from "../dom.js";
import { catalog } from "../state.js";

/** A field for a model; it begins with one that `suits` by its name, if possible a loaded one. */
export function modelField(suits) {
  const input = h("input", { list: "model-names", autocomplete: "off", spellcheck: "false", required: true });
  catalog.watch(() => {
    const suitable = (catalog.value ?? []).filter(({ id }) => suits.test(id));
    const best = suitable.find(({ status }) => status?.value === "loaded") ?? suitable[0];
    if (!input.value && best) input.value = best.id;
  });
  return { input, element: field("Model", input) };
}
