"""What clients ask of a language model. Fields that are not here are taken and not used, as llama.cpp does."""

from typing import Annotated, Any, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Message = dict[str, Any]


class StreamOptions(msgspec.Struct, kw_only=True):
    include_usage: bool = False


class ResponseFormat(msgspec.Struct, kw_only=True):
    """*json_schema*: OpenAI's, with the schema inside; *schema*: llama.cpp's own."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None

    @property
    def wanted(self) -> dict[str, Any] | None:
        """The JSON schema that the answer must have; None for any text."""
        if self.type == "text":
            return None
        return (self.json_schema or {}).get("schema") or self.schema or {"type": "object"}


class Sampling(msgspec.Struct, kw_only=True):
    """How a text goes on; the defaults are llama.cpp's."""

    model: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = None
    top_p: Share | None = None
    min_p: Share | None = None
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
    def stops(self) -> list[str]:
        """The words that end an answer."""
        found = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [word for word in found if word]

    @property
    def most_tokens(self) -> int | None:
        """None: as many as fit; so llama.cpp reads negative numbers too."""
        return None if self.max_tokens is None or self.max_tokens < 0 else self.max_tokens

    @property
    def has_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class Chat(Sampling, kw_only=True):
    """`POST /v1/chat/completions`. *max_completion_tokens* is OpenAI's newer name."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_completion_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None

    @property
    def most_tokens(self) -> int | None:
        most = self.max_tokens if self.max_tokens is not None else self.max_completion_tokens
        return None if most is None or most < 0 else most


class Completion(Sampling, kw_only=True):
    """`POST /v1/completions`."""

    prompt: str | list[int]


class Embeddings(msgspec.Struct, kw_only=True):
    """`POST /v1/embeddings`."""

    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def inputs(self) -> list[str | list[int]]:
        """One for each vector: a text, or its tokens."""
        if isinstance(self.input, str):
            return [self.input]
        tokens = [each for each in self.input if isinstance(each, int)]
        if tokens:
            return [tokens]
        return [each for each in self.input if not isinstance(each, int)]


class Named(msgspec.Struct, kw_only=True):
    """`POST /models/load` and `/models/unload`."""

    model: str = ""
