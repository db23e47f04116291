// Chat: a streamed conversation.

import { reason, send } from "../api.js";
import { button, duration, field, h, number } from "../dom.js";
import { modelField } from "./model.js";
import { events } from "./sse.js";

function bubble(role, text = "") {
  return h("li.bubble", { "data-role": role }, h("b", {}, role), h("div.text", {}, text));
}

/** Send a request and call `show` with each piece of the response; return the backend and the timings. */
async function converse(request, signal, show) {
  const startedAt = performance.now();
  const answer = await send("POST", "/v1/chat/completions", { ...request, stream: true }, { signal });
  let [first, pieces] = [null, 0];
  for await (const event of events(answer)) {
    const delta = event.choices?.[0]?.delta ?? {};
    const text = delta.content ?? delta.reasoning_content;
    if (!text) continue;
    first ??= performance.now();
    pieces += 1;
    show(text, delta.content === undefined);
  }
  const seconds = (performance.now() - (first ?? startedAt)) / 1000;
  return { backend: answer.headers.get("x-synapse-backend"), firstS: ((first ?? startedAt) - startedAt) / 1000, rate: pieces / seconds };
}

function make() {
  const turns = [];
  let stop = null;
  const model = modelField(/^(?!.*(embed|rerank|tts|speech|piper|whisper|stt))/i);
  const system = h("textarea", { rows: 2, placeholder: "You are a helpful assistant." });
  const temperature = h("input", { type: "number", min: 0, max: 2, step: 0.1, value: 0.7 });
  const prompt = h("textarea", { rows: 3, required: true, placeholder: "Ask something. Ctrl+Enter sends." });
  const log = h("ol.chat", { "aria-label": "Conversation", "aria-live": "polite", "aria-busy": "false" });
  const status = h("p.muted", { role: "status" });
  const sends = h("button.primary", { type: "submit" }, "Send");
  const stops = button("Stop", () => stop?.abort(), { disabled: true });
  const clears = button("New conversation", () => { turns.length = 0; log.replaceChildren(); status.textContent = ""; });
  const busy = (isBusy) => {
    [sends.disabled, stops.disabled, clears.disabled] = [isBusy, !isBusy, isBusy];
    log.setAttribute("aria-busy", isBusy);
  };

  async function submit(event) {
    event.preventDefault();
    if (sends.disabled) return;
    const first = system.value.trim() ? [{ role: "system", content: system.value.trim() }] : [];
    turns.push({ role: "user", content: prompt.value });
    const answer = bubble("assistant");
    log.append(bubble("user", prompt.value), answer);
    prompt.value = "";
    stop = new AbortController();
    busy(true);
    const text = answer.querySelector(".text");
    let content = "";
    const show = (piece, isReasoning) => {
      if (!isReasoning) content += piece;
      text.append(isReasoning ? h("span.muted", {}, piece) : piece);
      log.scrollTop = log.scrollHeight;
    };
    try {
      const request = { model: model.input.value, messages: [...first, ...turns], temperature: Number(temperature.value) };
      const { backend, firstS, rate } = await converse(request, stop.signal, show);
      status.textContent = `${backend ?? "answered"} · first piece after ${duration(firstS)} · ${number(rate)} pieces/s`;
    } catch (error) {
      status.textContent = error.name === "AbortError" ? "Stopped." : reason(error);
      if (error.name !== "AbortError") answer.dataset.role = "error";
      if (!content) text.append(status.textContent);
    } finally {
      if (content) turns.push({ role: "assistant", content });
      else turns.pop();
      busy(false);
      prompt.focus();
    }
  }

  const form = h("form.stack", { onsubmit: submit }, field("Message", prompt), h("div.toolbar", {}, sends, stops, clears, status));
  prompt.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.ctrlKey) form.requestSubmit(); });
  return h("div.split", {},
    h("section.card.stack", {}, log, form),
    h("section.card.stack", {}, h("h2", {}, "Settings"), model.element, field("System message", system), field("Temperature", temperature)));
}

export const chat = { id: "chat", title: "Chat", make };
