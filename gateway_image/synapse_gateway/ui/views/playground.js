// Playground: chat, speech and transcription.

import { button, h } from "../dom.js";
import { catalog } from "../state.js";
import { chat } from "../playground/chat.js";
import { speech } from "../playground/speech.js";
import { transcription } from "../playground/transcription.js";

const TABS = [chat, speech, transcription];

function make() {
  const panels = TABS.map((tab) => h("div.stack", { id: `panel-${tab.id}`, role: "tabpanel", "aria-labelledby": `tab-${tab.id}` }, tab.make()));
  const tabs = TABS.map((tab, position) => button(tab.title, () => choose(position),
    { id: `tab-${tab.id}`, role: "tab", "aria-controls": `panel-${tab.id}`, class: "tab" }));
  const choose = (chosen) => TABS.forEach((_, position) => {
    tabs[position].setAttribute("aria-selected", position === chosen);
    tabs[position].tabIndex = position === chosen ? 0 : -1;
    panels[position].hidden = position !== chosen;
  });
  const step = ({ key }) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!by) return;
    const next = (tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  };
  const names = h("datalist", { id: "model-names" });
  catalog.watch(() => names.replaceChildren(...(catalog.value ?? []).map(({ id }) => h("option", { value: id }))));
  choose(0);
  catalog.start();
  return h("div.stack", {}, names, h("div.tabs", { role: "tablist", "aria-label": "What to try", onkeydown: step }, tabs), panels);
}

export const playground = { id: "playground", title: "Playground", make };
