"""Speech in a voice of the library; its recording is uploaded to the backend before the first request."""

from typing import Annotated

import msgspec

from synapse_gateway.api.speech.dialects import SpeechRequest, upstream_call
from synapse_gateway.api.speech.reference_cache import CachedReference
from synapse_gateway.api.voices import Reference
from synapse_gateway.errors import BadGatewayError, RefusedError
from synapse_gateway.routing.forward import send
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.upstream.error_responses import error_from_response
from synapse_gateway.upstream.http import UpstreamRequest
from synapse_gateway.upstream.upstream import Upstream


class UploadResponse(msgspec.Struct):
    """Response of Chatterbox to an upload."""

    uploaded_files: Annotated[list[str], msgspec.Meta(min_length=1)]


async def clone(call: Call, request: SpeechRequest, voice_id: str, target: Target) -> Response | Stream:
    """Synthesize *request* in the voice *voice_id*. A recording that the backend lost is uploaded again, once.

    Raises NotFoundError for a voice that the caller may not use, BadGatewayError if the backend refuses the recording.
    """
    upstream, cache = target.upstream, call.gateway.reference_cache
    timeout_s = call.gateway.settings.timeouts["tts"]
    reference = await call.gateway.voices.reference(voice_id, call.identity)
    if name := cache.find(upstream.name, voice_id, reference.digest):
        try:
            return await send(call, upstream_call(upstream, request, name, timeout_s), target)
        except RefusedError as error:
            if error.status != 404:
                raise
    name = await _upload(call, upstream, reference)
    cache.store(upstream.name, voice_id, CachedReference(reference.digest, name))
    return await send(call, upstream_call(upstream, request, name, timeout_s), target)


async def _upload(call: Call, upstream: Upstream, reference: Reference) -> str:
    """Upload *reference* to *upstream* and return its name there."""
    form, path = Form(files=[("files", reference)]), upstream.path("upload-reference")
    assert path is not None  # noqa: S101 - backends that clone have this path
    call.backend = upstream.name
    async with upstream.admission:
        with (
            call.trace_headers(upstream.name) as named,
            await upstream.send(
                UpstreamRequest("POST", path, form, (("content-type", form.media), *named), form.length),
                call.gateway.settings.timeouts["default"],
            ) as answer,
        ):
            if answer.status >= 300:
                raise _upload_error(upstream, await error_from_response(upstream.name, answer))
            data = await whole(upstream, answer)
    try:
        return msgspec.json.decode(data, type=UploadResponse).uploaded_files[0]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadGatewayError(f"{upstream.name} sent a bad response to the upload of the voice's recording") from error


def _upload_error(upstream: Upstream, error: Exception) -> Exception:
    """Turn a refusal into an error of the gateway: the client did not send the recording."""
    if not isinstance(error, RefusedError):
        return error
    return BadGatewayError(f"{upstream.name} refused the voice's recording: {error.message}")
