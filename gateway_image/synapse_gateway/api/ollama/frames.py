"""Frames of an Ollama response; the last one is marked as done and has the timings and token counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Literal

import msgspec

from synapse_gateway.api.ollama.openai import AssistantMessage, Choice, Logprobs, ToolCallDelta
from synapse_gateway.errors import BadGatewayError
from synapse_gateway.routing.relay import Usage

Shape = Literal["chat", "generate"]
REASONS: Mapping[str, str] = {"length": "length"}
"""Finish reasons of OpenAI that are not `stop` in Ollama's API."""


@dataclass(slots=True, kw_only=True)
class FrameBuilder:
    """Builds the frames of one response. *model* is the name that the client used; times are in nanoseconds."""

    shape: Shape
    model: str
    started: int = field(default_factory=perf_counter_ns)
    first: int | None = None  # time of the first part of the response
    calls: dict[int, ToolCallDelta] = field(default_factory=dict)

    def part(self, choice: Choice) -> dict[str, Any]:
        """Return the frame of *choice*; tool calls are collected until they are complete."""
        self.first = self.first or perf_counter_ns()
        self._collect(choice.content.tool_calls or ())
        return {**self._head(), **self._message(choice.content), **_logprobs(choice.logprobs), "done": False}

    def tool_calls(self) -> dict[str, Any]:
        """Return the frame of the tool calls. Raises BadGatewayError if their arguments are no JSON object."""
        calls = [_tool_call(call) for call in self.calls.values()]
        message = {"role": "assistant", "content": "", "tool_calls": calls}
        return {**self._head(), "message": message, "done": False}

    def last(self, reason: str | None, usage: Usage | None) -> dict[str, Any]:
        """Return the last frame, with timings and token counts."""
        now, usage = perf_counter_ns(), usage or Usage()
        first = self.first or now
        return {
            **self._head(),
            **self._message(AssistantMessage()),
            "done": True,
            "done_reason": REASONS.get(reason or "", "stop"),
            "total_duration": now - self.started,
            "load_duration": 0,
            "prompt_eval_count": usage.prompt_tokens,
            "prompt_eval_duration": first - self.started,
            "eval_count": usage.completion_tokens,
            "eval_duration": now - first,
        }

    def whole(self, choice: Choice, usage: Usage | None) -> dict[str, Any]:
        """Return the frame of a response that is not streamed; the time of its prompt is unknown and 0."""
        self.first = self.started
        frame = self.part(choice)
        last = self.last(choice.finish_reason, usage)
        if self.calls:
            frame["message"] |= {"tool_calls": self.tool_calls()["message"]["tool_calls"]}
        return {**last, **frame, "done": True}

    def load_status(self, reason: str) -> dict[str, Any]:
        """Return the response to a request without a prompt, which asks to load or unload a model."""
        return {**self._head(), **self._message(AssistantMessage()), "done": True, "done_reason": reason}

    def _head(self) -> dict[str, Any]:
        return {"model": self.model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}

    def _message(self, message: AssistantMessage) -> dict[str, Any]:
        thinking = message.reasoning_content or message.reasoning
        more = {"thinking": thinking} if thinking else {}
        if self.shape == "generate":
            return {"response": message.content or "", **more}
        return {"message": {"role": "assistant", "content": message.content or "", **more}}

    def _collect(self, deltas: Iterable[ToolCallDelta]) -> None:
        for position, delta in enumerate(deltas):
            index = delta.index or position
            call = self.calls.get(index)
            if call is None or call.function is None:
                self.calls[index] = delta
            elif delta.function is not None:
                call.function.name = call.function.name or delta.function.name
                call.function.arguments = (call.function.arguments or "") + (delta.function.arguments or "")


def encode_line(frame: Mapping[str, Any]) -> bytes:
    """Return a frame as a line of a stream."""
    return msgspec.json.encode(frame) + b"\n"


def _tool_call(call: ToolCallDelta) -> dict[str, Any]:
    function = call.function
    try:
        arguments = msgspec.json.decode((function and function.arguments) or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadGatewayError("the model called a tool with arguments that are no JSON object") from error
    encoded = {"function": {"name": (function and function.name) or "", "arguments": arguments}}
    return {**encoded, "id": call.id} if call.id else encoded


def _logprobs(logprobs: Logprobs | None) -> dict[str, Any]:
    return {"logprobs": logprobs.content} if logprobs and logprobs.content else {}
