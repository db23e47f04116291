"""Fields of OpenAI's responses that Ollama's responses have too."""

from typing import TypeVar

import msgspec

from synapse_gateway.errors import BadGatewayError
from synapse_gateway.routing.relay import Usage

Raw = msgspec.Raw
T = TypeVar("T")


class FunctionDelta(msgspec.Struct, kw_only=True):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(msgspec.Struct, kw_only=True):
    """Tool call; in a stream, a piece of the call at *index*."""

    index: int = 0
    id: str | None = None
    function: FunctionDelta | None = None


class AssistantMessage(msgspec.Struct, kw_only=True):
    """Message of the model; in a stream, a piece of one."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class Logprobs(msgspec.Struct, kw_only=True):
    content: list[Raw] | None = None


class Choice(msgspec.Struct, kw_only=True):
    message: AssistantMessage | None = None
    delta: AssistantMessage | None = None
    text: str | None = None  # of a completion
    finish_reason: str | None = None
    logprobs: Logprobs | None = None

    @property
    def content(self) -> AssistantMessage:
        """Message of a chat, or the text of a completion as one."""
        return self.message or self.delta or AssistantMessage(content=self.text)


class BackendError(msgspec.Struct, kw_only=True):
    message: str = "the backend failed"


class CompletionChunk(msgspec.Struct, kw_only=True):
    """Whole response, or one event of a streamed one."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: BackendError | None = None


class EmbeddingItem(msgspec.Struct, kw_only=True):
    embedding: Raw
    index: int = 0


class EmbeddingsResponse(msgspec.Struct, kw_only=True):
    data: list[EmbeddingItem]
    usage: Usage | None = None


def decode(data: bytes, kind: type[T]) -> T:
    """Return *data* as *kind*. Raises BadGatewayError if a backend sent something else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadGatewayError("the response of the backend cannot be read", code="backend_bad_response") from error
