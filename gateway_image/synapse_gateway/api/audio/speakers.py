"""Speaker diarization and verification. Recordings are passed on and never opened here."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.recording_form import FormFields, NoFields, form_schema, recording_form, with_defaults
from synapse_gateway.errors import ValidationError
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.server.uploads import FormLimits, form
from synapse_gateway.upstream.adapters import Operation

Speakers = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class DiarizationForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Optional number of speakers: exact, or within bounds."""

    num_speakers: Speakers | UnsetType = UNSET
    min_speakers: Speakers | UnsetType = UNSET
    max_speakers: Speakers | UnsetType = UNSET

    def check(self) -> None:
        """Raise ValidationError for numbers that contradict each other."""
        least, most = self.min_speakers, self.max_speakers
        if self.num_speakers is not UNSET and (least is not UNSET or most is not UNSET):
            raise ValidationError("send num_speakers, or min_speakers and max_speakers, not both", param="num_speakers")
        if least is not UNSET and most is not UNSET and least > most:
            raise ValidationError(f"min_speakers {least} is more than max_speakers {most}", param="min_speakers")


class SpeakerTurn(msgspec.Struct, kw_only=True):
    """One turn of a speaker, in seconds."""

    speaker: str
    start: float
    end: float


class Diarization(msgspec.Struct, kw_only=True):
    """Turns of all speakers of a recording."""

    num_speakers: int
    segments: list[SpeakerTurn]
    duration: float


class Verification(msgspec.Struct, kw_only=True):
    """Comparison of the speakers of two recordings."""

    is_same_speaker: bool
    similarity_score: float
    threshold: float


async def diarize(call: Call) -> Response | Stream:
    """Forward a recording to be diarized. Raises the errors of `recording_form` and `forward`."""
    async with recording_form(call) as (sent, file):
        options = sent.fields(DiarizationForm)
        options.check()
        return await _forward(call, "diarize", Form(fields=_fields(options), files=[("file", file)]))


async def verify(call: Call) -> Response | Stream:
    """Forward two recordings to be compared. Raises the errors of `form` and `forward`."""
    limit = call.gateway.settings.max_upload
    async with form(call, FormLimits(files={"file1": 1, "file2": 1}, file_bytes=limit)) as sent:
        sent.fields(NoFields)
        files = [
            (f"file{number}", with_defaults(sent.file(f"file{number}"), f"speaker{number}.wav")) for number in (1, 2)
        ]
        return await _forward(call, "verify", Form(files=files))


def _fields(options: DiarizationForm) -> FormFields:
    return [(name, str(value)) for name, value in msgspec.to_builtins(options).items()]


async def _forward(call: Call, operation: Operation, body: Form) -> Response | Stream:
    timeout_s = call.gateway.settings.timeouts["speaker"]
    upstream_call = UpstreamCall(operation=operation, timeout_s=timeout_s, body=lambda _: body)
    return await forward(call, upstream_call, call.gateway.registry.offering(operation)[:1])


def _endpoint(path: str, handler: Handler, operation: Operation, doc: Doc) -> Endpoint:
    return Endpoint(method="POST", path=path, handler=handler, operations=(operation,), doc=doc)


def _doc(summary: str, answer: Any, form: type[msgspec.Struct], *files: str) -> Doc:  # noqa: ANN401 - a type
    return Doc(summary=summary, tag="speakers", form=form_schema(form, *files), required=files, answer=answer)


ENDPOINTS = (
    _endpoint(
        "/speakers/diarize",
        diarize,
        "diarize",
        _doc("Find the speakers of a recording and their turns", Diarization, DiarizationForm, "file"),
    ),
    _endpoint(
        "/speakers/verify",
        verify,
        "verify",
        _doc("Compare the speakers of two recordings", Verification, NoFields, "file1", "file2"),
    ),
)
