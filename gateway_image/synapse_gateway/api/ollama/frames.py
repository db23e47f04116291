"""Ollama's answers: frames of one shape, the last of which says that it is done and what it took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Literal

import msgspec

from synapse_gateway.api.ollama.openai import Called, Choice, Logprobs, Said, Usage
from synapse_gateway.errors import BadGatewayError

Shape = Literal["chat", "generate"]
REASONS: Mapping[str, str] = {"length": "length"}
"""OpenAI's reasons that are not `stop` to Ollama."""


@dataclass(slots=True, kw_only=True)
class Frames:
    """Makes the frames of one answer. *model* is the name that the client used; times are in nanoseconds."""

    shape: Shape
    model: str
    started: int = field(default_factory=perf_counter_ns)
    first: int | None = None  # when the first part of the answer came
    calls: dict[int, Called] = field(default_factory=dict)

    def part(self, choice: Choice) -> dict[str, Any]:
        """What *choice* says; calls of tools are kept until they are whole."""
        self.first = self.first or perf_counter_ns()
        self._collect(choice.said.tool_calls or ())
        return {**self._head(), **self._said(choice.said), **_logprobs(choice.logprobs), "done": False}

    def tools(self) -> dict[str, Any]:
        """The calls that were collected. Raises BadGatewayError where their arguments are no JSON object."""
        calls = [_called(call) for call in self.calls.values()]
        message = {"role": "assistant", "content": "", "tool_calls": calls}
        return {**self._head(), "message": message, "done": False}

    def last(self, reason: str | None, usage: Usage | None) -> dict[str, Any]:
        """What the whole took."""
        now, found = perf_counter_ns(), usage or Usage()
        first = self.first or now
        return {
            **self._head(),
            **self._said(Said()),
            "done": True,
            "done_reason": REASONS.get(reason or "", "stop"),
            "total_duration": now - self.started,
            "load_duration": 0,
            "prompt_eval_count": found.prompt_tokens,
            "prompt_eval_duration": first - self.started,
            "eval_count": found.completion_tokens,
            "eval_duration": now - first,
        }

    def whole(self, choice: Choice, usage: Usage | None) -> dict[str, Any]:
        """An answer that came at once: which time the prompt took is not known."""
        self.first = self.started
        found = self.part(choice)
        last = self.last(choice.finish_reason, usage)
        if self.calls:
            found["message"] |= {"tool_calls": self.tools()["message"]["tool_calls"]}
        return {**last, **found, "done": True}

    def loaded(self, reason: str) -> dict[str, Any]:
        """The answer to a request that says nothing: it is made to load a model, or to unload it."""
        return {**self._head(), **self._said(Said()), "done": True, "done_reason": reason}

    def _head(self) -> dict[str, Any]:
        return {"model": self.model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}

    def _said(self, said: Said) -> dict[str, Any]:
        thinking = said.reasoning_content or said.reasoning
        more = {"thinking": thinking} if thinking else {}
        if self.shape == "generate":
            return {"response": said.content or "", **more}
        return {"message": {"role": "assistant", "content": said.content or "", **more}}

    def _collect(self, pieces: Iterable[Called]) -> None:
        for place, piece in enumerate(pieces):
            index = piece.index or place
            known = self.calls.get(index)
            if known is None or known.function is None:
                self.calls[index] = piece
            elif piece.function is not None:
                known.function.name = known.function.name or piece.function.name
                known.function.arguments = (known.function.arguments or "") + (piece.function.arguments or "")


def line(frame: Mapping[str, Any]) -> bytes:
    """A frame of a stream."""
    return msgspec.json.encode(frame) + b"\n"


def _called(call: Called) -> dict[str, Any]:
    function = call.function
    try:
        arguments = msgspec.json.decode((function and function.arguments) or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadGatewayError("the model called a tool with arguments that are no JSON object") from error
    named = {"function": {"name": (function and function.name) or "", "arguments": arguments}}
    return {**named, "id": call.id} if call.id else named


def _logprobs(found: Logprobs | None) -> dict[str, Any]:
    return {"logprobs": found.content} if found and found.content else {}
