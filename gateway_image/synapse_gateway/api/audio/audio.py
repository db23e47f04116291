"""Recordings without noise, or in another format. A backend does the work: nothing is decoded or fetched here."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.form_schema import described
from synapse_gateway.api.transcription.dialects import Fields
from synapse_gateway.api.transcription.request import recording
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.upstream.adapters import Operation

MEDIA: Mapping[str, str] = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A form of a file alone."""


class Convert(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """*sample_rate* in Hz, *bitrate* in kilobits a second. Both end on a command line of the backend."""

    output_format: str = "wav"
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=192_000)] | UnsetType = UNSET
    bitrate: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}k(?![\s\S])")] | UnsetType = UNSET

    @property
    def format(self) -> str:
        """The format by its own name. Raises BadRequestError."""
        name = self.output_format.strip().lower()
        if name not in MEDIA:
            accepted = ", ".join(MEDIA)
            raise BadRequestError(
                f"got output_format {self.output_format[:32]!r}; accepted: {accepted}",
                code="unsupported_format",
                param="output_format",
            )
        return name


async def denoise(call: Call) -> Response | Stream:
    """Both of these raise what `recording` and `forward` raise."""
    async with recording(call) as (sent, file):
        sent.fields(Nothing)
        return await _ask(call, "denoise", Form(files=[("file", file)]), "denoised.wav")


async def convert(call: Call) -> Response | Stream:
    async with recording(call) as (sent, file):
        wanted = sent.fields(Convert)
        body = Form(fields=_fields(wanted), files=[("file", file)])
        return await _ask(call, "convert", body, f"converted.{wanted.format}")


def _fields(wanted: Convert) -> Fields:
    sent: dict[str, Any] = msgspec.to_builtins(wanted) | {"output_format": wanted.format}
    return [(name, str(value)) for name, value in sent.items()]


async def _ask(call: Call, operation: Operation, body: Form, name: str) -> Response | Stream:
    media = MEDIA[name.rpartition(".")[2]]
    order = UpstreamCall(
        operation=operation,
        timeout_s=call.gateway.settings.timeouts["audio"],
        body=lambda _: body,
        answer_headers={"content-type": media, "content-disposition": f"attachment; filename={name}"},
    )
    return await forward(call, order, call.gateway.registry.offering(operation)[:1])


def _endpoint(path: str, handler: Handler, operation: Operation, form: type[msgspec.Struct], summary: str) -> Endpoint:
    doc = Doc(summary=summary, tag="audio", form=described(form, "file"), required=("file",), media="audio/*")
    return Endpoint(method="POST", path=path, handler=handler, operations=(operation,), doc=doc)


ENDPOINTS = (
    _endpoint("/audio/denoise", denoise, "denoise", Nothing, "A recording without its noise"),
    _endpoint("/audio/convert", convert, "convert", Convert, "A recording in another format"),
)
