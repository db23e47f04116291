"""Responses of OpenAI's API, whole and in chunks, with llama.cpp's timings."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import time
from typing import Any, Literal
from uuid import uuid4

from synapse_engines.llama.generation import Generation

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True)
class ResponseBuilder:
    """Builder of the responses of a request; chats and completions differ in the fields of a choice."""

    model: str
    api: Literal["chat", "text"]
    id: str = field(default_factory=lambda: uuid4().hex)
    created: int = field(default_factory=lambda: int(time()))

    def whole(self, generation: Generation) -> dict[str, Any]:
        text = generation.text
        body = {"message": {"role": "assistant", "content": text}} if self.api == "chat" else {"text": text}
        choice = {"index": 0, **body, "logprobs": None, "finish_reason": generation.finish_reason}
        name = "chat.completion" if self.api == "chat" else "text_completion"
        return {**self._head(name), "choices": [choice], "usage": generation.usage(), "timings": generation.timings()}

    def first_chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the chunk with the role, which a chat starts with."""
        if self.api == "chat":
            yield self._chunk({"delta": {"role": "assistant", "content": None}}, None)

    def text_chunk(self, text: str) -> dict[str, Any]:
        return self._chunk({"delta": {"content": text}} if self.api == "chat" else {"text": text}, None)

    def last_chunks(self, generation: Generation, *, has_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield the chunk with the finish reason, and with *has_usage* one with the usage."""
        end = self._chunk({"delta": {}} if self.api == "chat" else {"text": ""}, generation.finish_reason)
        if not has_usage:
            yield {**end, "timings": generation.timings()}
            return
        yield end
        yield {**self._head(end["object"]), "choices": [], "usage": generation.usage(), "timings": generation.timings()}

    def _chunk(self, body: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        name = "chat.completion.chunk" if self.api == "chat" else "text_completion"
        return {**self._head(name), "choices": [{"index": 0, **body, "finish_reason": finish_reason}]}

    def _head(self, name: str) -> dict[str, Any]:
        prefix = "chatcmpl" if self.api == "chat" else "cmpl"
        return {"id": f"{prefix}-{self.id}", "object": name, "created": self.created, "model": self.model}
