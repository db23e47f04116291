"""The parts of OpenAI's answers that Ollama's have too."""

from typing import TypeVar

import msgspec

from synapse_gateway.errors import BadGatewayError

Raw = msgspec.Raw
T = TypeVar("T")


class CalledFunction(msgspec.Struct, kw_only=True):
    name: str | None = None
    arguments: str | None = None


class Called(msgspec.Struct, kw_only=True):
    """A call of a tool; in a stream, a piece of the one at *index*."""

    index: int = 0
    id: str | None = None
    function: CalledFunction | None = None


class Said(msgspec.Struct, kw_only=True):
    """A message, or in a stream a piece of one."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Called] | None = None


class Logprobs(msgspec.Struct, kw_only=True):
    content: list[Raw] | None = None


class Choice(msgspec.Struct, kw_only=True):
    message: Said | None = None
    delta: Said | None = None
    text: str | None = None  # of a completion
    finish_reason: str | None = None
    logprobs: Logprobs | None = None

    @property
    def said(self) -> Said:
        return self.message or self.delta or Said(content=self.text)


class Usage(msgspec.Struct, kw_only=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Fault(msgspec.Struct, kw_only=True):
    message: str = "the backend failed"


class Chunk(msgspec.Struct, kw_only=True):
    """A whole answer, or one event of a streamed one."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: Fault | None = None


class Vector(msgspec.Struct, kw_only=True):
    embedding: Raw
    index: int = 0


class Vectors(msgspec.Struct, kw_only=True):
    data: list[Vector]
    usage: Usage | None = None


def read(data: bytes, kind: type[T]) -> T:
    """*data* as *kind*; raises BadGatewayError for what a backend should not have sent."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadGatewayError("the backend's answer cannot be read", code="backend_bad_response") from error
