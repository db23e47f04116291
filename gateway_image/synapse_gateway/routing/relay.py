"""Relay of a backend's response to the client: whole where it is small, else part by part as it arrives."""

from collections.abc import Mapping
from time import perf_counter

import msgspec

from synapse_gateway.errors import GatewayError, envelope
from synapse_gateway.server.call import JSON, Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.http import UpstreamError, UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream

EVENTS = "text/event-stream"
WHOLE = 1024 * 1024
"""Size in bytes up to which a response is read before it is relayed: until then it can still become an error."""
MOST_JSON = 256 * 1024 * 1024
STREAMED = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
FAULT = b"data: "
"""Prefix of an event that reports an error, for APIs that do not name such events."""


class Usage(msgspec.Struct):
    """Tokens of one response, as OpenAI's API counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class CountedResponse(msgspec.Struct):
    """The fields of a response that metrics need."""

    usage: Usage | None = None


_decode_usage = msgspec.json.Decoder(CountedResponse).decode


async def pass_on(
    call: Call, upstream: Upstream, answer: UpstreamResponse, headers: Mapping[str, str], *, fault: bytes = FAULT
) -> Response | Stream:
    """Send *answer* to the client. Raises GatewayError while nothing was sent."""
    media = _media(answer)
    if media.startswith(EVENTS):
        return await _stream(call, upstream, answer, {**STREAMED, **headers}, fault)
    length = answer.length
    if media.startswith(JSON) or (length is not None and length <= WHOLE):
        return await _whole(call, upstream, answer, headers)
    return await _stream(call, upstream, answer, headers)


def _media(answer: UpstreamResponse) -> str:
    return answer.header(b"content-type") or "application/octet-stream"


async def _whole(call: Call, upstream: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]) -> Response:
    data, media = await whole(upstream, answer), _media(answer)
    if media.startswith(JSON):
        count(upstream, data)
    return call.respond(data, media, answer.status, headers)


async def whole(upstream: Upstream, answer: UpstreamResponse) -> bytes:
    """Return the body of *answer*. Raises BackendTimeoutError and BadGatewayError."""
    try:
        return await answer.read(MOST_JSON)
    except UpstreamError as error:
        raise upstream.failure(error) from error


def count(upstream: Upstream, data: bytes) -> None:
    """Count the tokens that a response reports, if any."""
    try:
        usage = _decode_usage(data).usage
    except (msgspec.DecodeError, RecursionError):
        return
    if usage is not None:
        upstream.metrics.prompt_tokens.inc(usage.prompt_tokens)
        upstream.metrics.completion_tokens.inc(usage.completion_tokens)


async def _stream(
    call: Call, upstream: Upstream, answer: UpstreamResponse, headers: Mapping[str, str], fault: bytes = b""
) -> Response | Stream:
    """Relay part by part. The head is sent with the first part: until then, a failure gets a status of its own."""
    response: Stream | None = None
    media, events, gauge = _media(answer), 0, call.gateway.metrics.streams.labels(call.route)
    gauge.inc()
    answer.stream()
    try:
        while data := await answer.part():
            if response is None:
                response = call.stream(media, answer.status, headers)
                upstream.metrics.first_chunk.observe(perf_counter() - call.started)
            events += data.count(b"data:") if fault else 0
            await response.write(data)
    except UpstreamError as error:
        if response is None:
            raise upstream.failure(error) from error
        return await _break_off(response, fault, upstream.failure(error))
    finally:
        gauge.dec()
        upstream.metrics.streamed_events.inc(events)
    response = response or call.stream(media, answer.status, headers)
    response.finish()
    return response


async def _break_off(response: Stream, fault: bytes, error: GatewayError) -> Stream:
    """Report *error* after the status was sent: as a last event, or by aborting the connection."""
    if fault:
        await response.write(fault + envelope(error) + b"\n\n")
        response.finish()
    else:
        response.abort()
    return response
