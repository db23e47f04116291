"""A backend's answer on its way to the client: whole where it is small, else part by part as it comes."""

from collections.abc import Mapping
from time import perf_counter

import msgspec

from synapse_gateway.errors import GatewayError, envelope
from synapse_gateway.server.call import JSON, Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.backend import Backend
from synapse_gateway.upstream.http import Answer, UpstreamError

EVENTS = "text/event-stream"
WHOLE = 1024 * 1024
"""Bytes up to which an answer is read before it is passed on: it can then still become an error."""
MOST_JSON = 256 * 1024 * 1024
STREAMED = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


class Usage(msgspec.Struct):
    """Tokens of one answer, as OpenAI's API counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Counted(msgspec.Struct):
    """The part of an answer that is counted."""

    usage: Usage | None = None


_counted = msgspec.json.Decoder(Counted).decode


FAULT = b"data: "
"""What an event that tells of a failure begins with, where its API does not give it a name."""


async def pass_on(
    call: Call, backend: Backend, answer: Answer, headers: Mapping[str, str], *, fault: bytes = FAULT
) -> Response | Stream:
    """Send *answer* to the client. Raises GatewayError for as long as nothing was sent."""
    media = _media(answer)
    if media.startswith(EVENTS):
        return await _stream(call, backend, answer, {**STREAMED, **headers}, fault)
    length = answer.length
    if media.startswith(JSON) or (length is not None and length <= WHOLE):
        return await _whole(call, backend, answer, headers)
    return await _stream(call, backend, answer, headers)


def _media(answer: Answer) -> str:
    return answer.header(b"content-type") or "application/octet-stream"


async def _whole(call: Call, backend: Backend, answer: Answer, headers: Mapping[str, str]) -> Response:
    data, media = await whole(backend, answer), _media(answer)
    if media.startswith(JSON):
        count(backend, data)
    return call.respond(data, media, answer.status, headers)


async def whole(backend: Backend, answer: Answer) -> bytes:
    """The body of *answer*. Raises BackendTimeoutError and BadGatewayError."""
    try:
        return await answer.read(MOST_JSON)
    except UpstreamError as error:
        raise backend.failure(error) from error


def count(backend: Backend, data: bytes) -> None:
    """Count the tokens that an answer reports, where it does."""
    try:
        usage = _counted(data).usage
    except (msgspec.DecodeError, RecursionError):
        return
    if usage is not None:
        backend.metrics.prompt_tokens.inc(usage.prompt_tokens)
        backend.metrics.completion_tokens.inc(usage.completion_tokens)


async def _stream(
    call: Call, backend: Backend, answer: Answer, headers: Mapping[str, str], fault: bytes = b""
) -> Response | Stream:
    """The first part is waited for before the head is sent: until then, a failure has a status of its own."""
    response: Stream | None = None
    media, events, gauge = _media(answer), 0, call.gateway.metrics.streams.labels(call.route)
    gauge.inc()
    answer.stream()
    try:
        while data := await answer.part():
            if response is None:
                response = call.stream(media, answer.status, headers)
                backend.metrics.first_chunk.observe(perf_counter() - call.started)
            events += data.count(b"data:") if fault else 0
            await response.write(data)
    except UpstreamError as error:
        if response is None:
            raise backend.failure(error) from error
        return await _break_off(response, fault, backend.failure(error))
    finally:
        gauge.dec()
        backend.metrics.streamed_events.inc(events)
    response = response or call.stream(media, answer.status, headers)
    response.finish()
    return response


async def _break_off(response: Stream, fault: bytes, error: GatewayError) -> Stream:
    """The status is sent already: events end with one that tells of the failure, all else is cut visibly."""
    if fault:
        await response.write(fault + envelope(error) + b"\n\n")
        response.finish()
    else:
        response.abort()
    return response
