"""Answers as OpenAI's API has them, whole and in frames; llama.cpp adds its timings."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import time
from typing import Any, Literal
from uuid import uuid4

from synapse_engines.llama.answer import Answer

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Both APIs share a head; they differ in what one choice is."""

    model: str
    api: Literal["chat", "text"]
    id: str = field(default_factory=lambda: uuid4().hex)
    created: int = field(default_factory=lambda: int(time()))

    def whole(self, answer: Answer) -> dict[str, Any]:
        body = (
            {"message": {"role": "assistant", "content": answer.text}} if self.api == "chat" else {"text": answer.text}
        )
        choice = {"index": 0, **body, "logprobs": None, "finish_reason": answer.finish_reason}
        name = "chat.completion" if self.api == "chat" else "text_completion"
        return {**self._head(name), "choices": [choice], "usage": answer.usage(), "timings": answer.timings()}

    def first(self) -> Iterator[dict[str, Any]]:
        """A chat says who speaks, before it says anything."""
        if self.api == "chat":
            yield self._frame({"delta": {"role": "assistant", "content": None}}, None)

    def part(self, text: str) -> dict[str, Any]:
        return self._frame({"delta": {"content": text}} if self.api == "chat" else {"text": text}, None)

    def last(self, answer: Answer, *, has_usage: bool) -> Iterator[dict[str, Any]]:
        """How it ended; then, where it was asked for, what it took."""
        end = self._frame({"delta": {}} if self.api == "chat" else {"text": ""}, answer.finish_reason)
        if not has_usage:
            yield {**end, "timings": answer.timings()}
            return
        yield end
        yield {**self._head(end["object"]), "choices": [], "usage": answer.usage(), "timings": answer.timings()}

    def _frame(self, body: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        name = "chat.completion.chunk" if self.api == "chat" else "text_completion"
        return {**self._head(name), "choices": [{"index": 0, **body, "finish_reason": finish_reason}]}

    def _head(self, name: str) -> dict[str, Any]:
        prefix = "chatcmpl" if self.api == "chat" else "cmpl"
        return {"id": f"{prefix}-{self.id}", "object": name, "created": self.created, "model": self.model}
