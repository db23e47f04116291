"""Request bodies of a language model. Unknown fields are accepted and ignored, as in llama.cpp."""

from typing import Annotated, Any, Literal

import msgspec

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Message = dict[str, Any]


class StreamOptions(msgspec.Struct, kw_only=True):
    include_usage: bool = False


class ResponseFormat(msgspec.Struct, kw_only=True):
    """Response format: OpenAI's *json_schema*, which contains the schema, or llama.cpp's own field *schema*."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None

    @property
    def required_schema(self) -> dict[str, Any] | None:
        """JSON schema that the response must match; None for any text."""
        if self.type == "text":
            return None
        return (self.json_schema or {}).get("schema") or self.schema or {"type": "object"}


class GenerationRequest(msgspec.Struct, kw_only=True):
    """Sampling options and limits that chats and completions share; None is llama.cpp's default."""

    model: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = None
    top_p: Probability | None = None
    min_p: Probability | None = None
    top_k: int | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0)] | None = None
    frequency_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None

    @property
    def stop_words(self) -> list[str]:
        """Words that end the generated text."""
        words = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [word for word in words if word]

    @property
    def token_limit(self) -> int | None:
        """Number of tokens to generate; None: up to the context size, as for negative numbers in llama.cpp."""
        return None if self.max_tokens is None or self.max_tokens < 0 else self.max_tokens

    @property
    def has_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class ChatRequest(GenerationRequest, kw_only=True):
    """Body of `POST /v1/chat/completions`; *max_completion_tokens* is OpenAI's newer name of *max_tokens*."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_completion_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None

    @property
    def token_limit(self) -> int | None:
        limit = self.max_tokens if self.max_tokens is not None else self.max_completion_tokens
        return None if limit is None or limit < 0 else limit


class CompletionRequest(GenerationRequest, kw_only=True):
    """Body of `POST /v1/completions`."""

    prompt: str | list[int]


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /v1/embeddings`."""

    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def inputs(self) -> list[str | list[int]]:
        """Input of each vector: a text, or its tokens."""
        if isinstance(self.input, str):
            return [self.input]
        tokens = [each for each in self.input if isinstance(each, int)]
        if tokens:
            return [tokens]
        return [each for each in self.input if not isinstance(each, int)]


class ModelRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /models/load` and `POST /models/unload`."""

    model: str = ""
