// Speech: a text, synthesized.

import { reason, send } from "../api.js";
import { duration, field, h } from "../dom.js";
import { modelField } from "./model.js";

function make() {
  const model = modelField(/tts|speech|piper|chatterbox|kokoro/i);
  const voice = h("input", { value: "alloy", autocomplete: "off" });
  const format = h("select", {}, ["wav", "mp3", "flac", "opus"].map((name) => h("option", { value: name }, name)));
  const text = h("textarea", { rows: 5, maxlength: 5000, required: true, placeholder: "Text to synthesize" });
  const player = h("audio", { controls: true, "aria-label": "The speech", hidden: true });
  const status = h("p.muted", { role: "status" });
  const speaks = h("button.primary", { type: "submit" }, "Speak");

  async function submit(event) {
    event.preventDefault();
    const startedAt = performance.now();
    speaks.disabled = true;
    status.textContent = "Synthesizing…";
    try {
      const request = { model: model.input.value, input: text.value, voice: voice.value, response_format: format.value };
      const sound = await (await send("POST", "/v1/audio/speech", request)).blob();
      URL.revokeObjectURL(player.src);
      player.src = URL.createObjectURL(sound);
      player.hidden = false;
      status.textContent = `${Math.ceil(sound.size / 1024)} KiB of ${sound.type} in ${duration((performance.now() - startedAt) / 1000)}`;
    } catch (error) {
      status.textContent = reason(error);
    } finally {
      speaks.disabled = false;
    }
  }

  return h("div.split", {},
    h("form.card.stack", { onsubmit: submit }, field("Text", text), h("div.toolbar", {}, speaks, status), player),
    h("section.card.stack", {}, h("h2", {}, "Settings"), model.element, field("Voice", voice), field("Format", format)));
}

export const speech = { id: "speech", title: "Speech", make };
