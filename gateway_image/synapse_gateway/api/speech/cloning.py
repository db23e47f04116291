"""Speech in a voice of the library: the backend gets a copy of the recording first, once."""

from typing import Annotated

import msgspec

from synapse_gateway.api.speech.dialects import order
from synapse_gateway.api.speech.reference_cache import Copy
from synapse_gateway.api.speech.request import Wish
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


class Uploaded(msgspec.Struct):
    """What Chatterbox answers to an upload."""

    uploaded_files: Annotated[list[str], msgspec.Meta(min_length=1)]


async def clone(call: Call, wish: Wish, voice_id: str, target: Target) -> Response | Stream:
    """Say *wish* in the voice *voice_id*. A copy that the backend lost since is sent once more.

    Raises NotFoundError for a voice that the caller does not have, BadGatewayError for a recording that is refused.
    """
    backend, copies = target.upstream, call.gateway.copies
    timeout_s = call.gateway.settings.timeouts["tts"]
    reference = await call.gateway.voices.reference(voice_id, call.identity)
    if known := copies.find(backend.name, voice_id, reference.digest):
        try:
            return await send(call, order(backend, wish, known, timeout_s), target)
        except RefusedError as error:
            if error.status != 404:
                raise
    name = await _send(call, backend, reference)
    copies.keep(backend.name, voice_id, Copy(reference.digest, name))
    return await send(call, order(backend, wish, name, timeout_s), target)


async def _send(call: Call, backend: Upstream, reference: Reference) -> str:
    """Give *backend* a copy of *reference*; its name there."""
    form, path = Form(files=[("files", reference)]), backend.path("upload-reference")
    assert path is not None  # noqa: S101 - whoever clones takes references
    call.backend = backend.name
    async with backend.admission:
        with (
            call.trace_headers(backend.name) as named,
            await backend.send(
                UpstreamRequest("POST", path, form, (("content-type", form.media), *named), form.length),
                call.gateway.settings.timeouts["default"],
            ) as answer,
        ):
            if answer.status >= 300:
                raise _refused(backend, await error_from_response(backend.name, answer))
            data = await whole(backend, answer)
    try:
        return msgspec.json.decode(data, type=Uploaded).uploaded_files[0]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadGatewayError(f"{backend.name} took no copy of the voice's recording") from error


def _refused(backend: Upstream, error: Exception) -> Exception:
    """A refusal is not the client's fault: the recording is ours."""
    if not isinstance(error, RefusedError):
        return error
    return BadGatewayError(f"{backend.name} refused the voice's recording: {error.message}")
