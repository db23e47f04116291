// Transcription of a recording.

import { call, reason } from "../api.js";
import { duration, field, h } from "../dom.js";
import { modelField } from "./model.js";

function make() {
  const model = modelField(/whisper|stt|transcri/i);
  const language = h("input", { autocomplete: "off", placeholder: "detected by the model", maxlength: 8 });
  const file = h("input", { type: "file", accept: "audio/*", required: true });
  const text = h("output.transcript", { "aria-label": "The transcript", hidden: true });
  const status = h("p.muted", { role: "status" });
  const writes = h("button.primary", { type: "submit" }, "Transcribe");

  async function submit(event) {
    event.preventDefault();
    const startedAt = performance.now();
    const body = new FormData();
    body.append("model", model.input.value);
    if (language.value) body.append("language", language.value);
    body.append("file", file.files[0]);
    writes.disabled = true;
    status.textContent = "Transcribing…";
    try {
      const transcript = await (await call("/v1/audio/transcriptions", { method: "POST", body })).json();
      text.textContent = transcript.text;
      text.hidden = false;
      status.textContent = `in ${duration((performance.now() - startedAt) / 1000)}`;
    } catch (error) {
      status.textContent = reason(error);
    } finally {
      writes.disabled = false;
    }
  }

  return h("div.split", {},
    h("form.card.stack", { onsubmit: submit }, field("Recording", file), h("div.toolbar", {}, writes, status), text),
    h("section.card.stack", {}, h("h2", {}, "Settings"), model.element, field("Language", language)));
}

export const transcription = { id: "transcription", title: "Transcription", make };
