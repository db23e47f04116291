"""Relay of a response of an OpenAI backend to a client of Ollama's API."""

from collections.abc import AsyncIterator, Iterator, Mapping

import msgspec

from synapse_gateway.api.ollama.frames import FrameBuilder, encode_line
from synapse_gateway.api.ollama.openai import Choice, CompletionChunk, decode
from synapse_gateway.errors import BadGatewayError, GatewayError
from synapse_gateway.routing.relay import EVENTS, STREAMED, Usage, count, whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.sse import EventParser, EventTooLongError
from synapse_gateway.upstream.http import UpstreamError, UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream

NDJSON = "application/x-ndjson"
END = b"[DONE]"


class StreamTranslation:
    """State of a stream that is being translated."""

    def __init__(self, frames: FrameBuilder) -> None:
        self.frames = frames
        self.events = EventParser()
        self.reason: str | None = None
        self.usage: Usage | None = None
        self.is_done = False

    def feed(self, part: bytes) -> Iterator[bytes]:
        """Yield the lines for *part* of an event stream. Raises BadGatewayError."""
        try:
            for event in self.events.feed(part):
                if event.data == END:
                    self.is_done = True
                else:
                    yield from self._chunk(decode(event.data, CompletionChunk))
        except EventTooLongError as error:
            raise BadGatewayError("the response of the backend cannot be read", code="backend_bad_response") from error

    def end(self) -> Iterator[bytes]:
        """Yield the lines at the end of the stream. Raises BadGatewayError if the stream broke off."""
        if not self.is_done and self.reason is None:
            raise BadGatewayError("the response of the backend broke off", code="backend_bad_response")
        if self.frames.calls:
            yield encode_line(self.frames.tool_calls())
        yield encode_line(self.frames.last(self.reason, self.usage))

    def _chunk(self, chunk: CompletionChunk) -> Iterator[bytes]:
        if chunk.error is not None:
            raise BadGatewayError(chunk.error.message)
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices[:1]:
            self.reason = choice.finish_reason or self.reason
            frame = self.frames.part(choice)
            if _has_content(choice):
                yield encode_line(frame)


def _has_content(choice: Choice) -> bool:
    message = choice.content
    return bool(message.content or message.reasoning_content or message.reasoning or choice.logprobs)


class OllamaRelay:
    """Relays the response to one request in Ollama's format; for the field `relay` of a call."""

    def __init__(self, frames: FrameBuilder) -> None:
        self._frames = frames

    async def __call__(
        self, call: Call, upstream: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]
    ) -> Response | Stream:
        if (answer.header(b"content-type") or "").startswith(EVENTS):
            return await self._stream(call, upstream, answer, {**STREAMED, **headers})
        data = await whole(upstream, answer)
        count(upstream, data)
        chunk = decode(data, CompletionChunk)
        if not chunk.choices:
            raise BadGatewayError(f"{upstream.name} sent a response without choices", code="backend_bad_response")
        return call.respond(msgspec.json.encode(self._frames.whole(chunk.choices[0], chunk.usage)), headers=headers)

    async def _stream(
        self, call: Call, upstream: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]
    ) -> Response | Stream:
        answer.stream()
        translation, response = StreamTranslation(self._frames), None
        gauge = call.gateway.metrics.streams.labels(call.route)
        gauge.inc()
        try:
            async for lines in _lines(upstream, answer, translation):
                response = response or call.stream(NDJSON, 200, headers)
                await response.write(lines)
        except GatewayError as error:
            if response is None:
                raise
            # Ollama's client expects text in `error` of a line, and the JSON error only with an error status.
            await response.write(encode_line({"error": error.message}))
        finally:
            gauge.dec()
        assert response is not None  # noqa: S101 - the last line is always written
        response.finish()
        return response


async def _lines(upstream: Upstream, answer: UpstreamResponse, translation: StreamTranslation) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, those of one part together. Raises GatewayError."""
    try:
        while part := await answer.part():
            if lines := b"".join(translation.feed(part)):
                yield lines
    except UpstreamError as error:
        raise upstream.failure(error) from error
    _count(upstream, translation)
    yield b"".join(translation.end())


def _count(upstream: Upstream, translation: StreamTranslation) -> None:
    if translation.usage is not None:
        upstream.metrics.prompt_tokens.inc(translation.usage.prompt_tokens)
        upstream.metrics.completion_tokens.inc(translation.usage.completion_tokens)
