"""An OpenAI backend's answer on its way to a client of Ollama's API."""

from collections.abc import AsyncIterator, Iterator, Mapping

import msgspec

from synapse_gateway.api.ollama.frames import Frames, line
from synapse_gateway.api.ollama.openai import Choice, Chunk, Usage, read
from synapse_gateway.errors import BadGatewayError, GatewayError
from synapse_gateway.routing.relay import EVENTS, STREAMED, count, whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.sse import EventParser, EventTooLongError
from synapse_gateway.upstream.http import UpstreamError, UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream

NDJSON = "application/x-ndjson"
END = b"[DONE]"


class Translation:
    """What is left of a stream while it is translated."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.events = EventParser()
        self.reason: str | None = None
        self.usage: Usage | None = None
        self.is_done = False

    def feed(self, part: bytes) -> Iterator[bytes]:
        """The lines for *part* of a stream of events. Raises BadGatewayError."""
        try:
            for event in self.events.feed(part):
                if event.data == END:
                    self.is_done = True
                else:
                    yield from self._chunk(read(event.data, Chunk))
        except EventTooLongError as error:
            raise BadGatewayError("the backend's answer cannot be read", code="backend_bad_response") from error

    def end(self) -> Iterator[bytes]:
        """The lines at the end of the stream. Raises BadGatewayError for one that broke off."""
        if not self.is_done and self.reason is None:
            raise BadGatewayError("the backend's answer broke off", code="backend_bad_response")
        if self.frames.calls:
            yield line(self.frames.tools())
        yield line(self.frames.last(self.reason, self.usage))

    def _chunk(self, chunk: Chunk) -> Iterator[bytes]:
        if chunk.error is not None:
            raise BadGatewayError(chunk.error.message)
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices[:1]:
            self.reason = choice.finish_reason or self.reason
            frame = self.frames.part(choice)
            if _says_something(choice):
                yield line(frame)


def _says_something(choice: Choice) -> bool:
    said = choice.said
    return bool(said.content or said.reasoning_content or said.reasoning or choice.logprobs)


class Relay:
    """Gives an answer in Ollama's shape; made for each request, given to `forward`."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    async def __call__(
        self, call: Call, backend: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]
    ) -> Response | Stream:
        if (answer.header(b"content-type") or "").startswith(EVENTS):
            return await self._stream(call, backend, answer, {**STREAMED, **headers})
        data = await whole(backend, answer)
        count(backend, data)
        chunk = read(data, Chunk)
        if not chunk.choices:
            raise BadGatewayError(f"{backend.name} gave no answer", code="backend_bad_response")
        return call.respond(msgspec.json.encode(self._frames.whole(chunk.choices[0], chunk.usage)), headers=headers)

    async def _stream(
        self, call: Call, backend: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]
    ) -> Response | Stream:
        answer.stream()
        translation, response = Translation(self._frames), None
        gauge = call.gateway.metrics.streams.labels(call.route)
        gauge.inc()
        try:
            async for lines in _lines(backend, answer, translation):
                response = response or call.stream(NDJSON, 200, headers)
                await response.write(lines)
        except GatewayError as error:
            if response is None:
                raise
            # Its client reads `error` as text here, and as the envelope where the status tells of a failure.
            await response.write(line({"error": error.message}))
        finally:
            gauge.dec()
        assert response is not None  # noqa: S101 - the last line is always written
        response.finish()
        return response


async def _lines(backend: Upstream, answer: UpstreamResponse, translation: Translation) -> AsyncIterator[bytes]:
    """The lines of a stream, those of one part together. Raises GatewayError."""
    try:
        while part := await answer.part():
            if lines := b"".join(translation.feed(part)):
                yield lines
    except UpstreamError as error:
        raise backend.failure(error) from error
    _count(backend, translation)
    yield b"".join(translation.end())


def _count(backend: Upstream, translation: Translation) -> None:
    if translation.usage is not None:
        backend.metrics.prompt_tokens.inc(translation.usage.prompt_tokens)
        backend.metrics.completion_tokens.inc(translation.usage.completion_tokens)
