"""Denoise and convert recordings. A backend does the work: nothing is decoded here."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.recording_form import FormFields, NoFields, form_schema, recording_form
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.upstream.adapters import Operation

MEDIA: Mapping[str, str] = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}


class ConversionForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Fields of a conversion: *sample_rate* in Hz, *bitrate* in kilobits per second.

    The backend puts both on a command line, so their format is checked here.
    """

    output_format: str = "wav"
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=192_000)] | UnsetType = UNSET
    bitrate: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}k(?![\s\S])")] | UnsetType = UNSET

    @property
    def format(self) -> str:
        """Name of the format, normalized. Raises BadRequestError."""
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
    """Forward a recording to be denoised. Raises the errors of `recording_form` and `forward`."""
    async with recording_form(call) as (sent, file):
        sent.fields(NoFields)
        return await _forward(call, "denoise", Form(files=[("file", file)]), "denoised.wav")


async def convert(call: Call) -> Response | Stream:
    """Forward a recording to be converted. Raises the errors of `recording_form` and `forward`."""
    async with recording_form(call) as (sent, file):
        conversion = sent.fields(ConversionForm)
        body = Form(fields=_fields(conversion), files=[("file", file)])
        return await _forward(call, "convert", body, f"converted.{conversion.format}")


def _fields(conversion: ConversionForm) -> FormFields:
    fields: dict[str, Any] = msgspec.to_builtins(conversion) | {"output_format": conversion.format}
    return [(name, str(value)) for name, value in fields.items()]


async def _forward(call: Call, operation: Operation, body: Form, filename: str) -> Response | Stream:
    media = MEDIA[filename.rpartition(".")[2]]
    upstream_call = UpstreamCall(
        operation=operation,
        timeout_s=call.gateway.settings.timeouts["audio"],
        body=lambda _: body,
        answer_headers={"content-type": media, "content-disposition": f"attachment; filename={filename}"},
    )
    return await forward(call, upstream_call, call.gateway.registry.offering(operation)[:1])


def _endpoint(path: str, handler: Handler, operation: Operation, form: type[msgspec.Struct], summary: str) -> Endpoint:
    doc = Doc(summary=summary, tag="audio", form=form_schema(form, "file"), required=("file",), media="audio/*")
    return Endpoint(method="POST", path=path, handler=handler, operations=(operation,), doc=doc)


ENDPOINTS = (
    _endpoint("/audio/denoise", denoise, "denoise", NoFields, "Remove the noise from a recording"),
    _endpoint("/audio/convert", convert, "convert", ConversionForm, "Convert a recording to another format"),
)
