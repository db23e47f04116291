"""Who speaks when, and whether two recordings are of one person. Recordings are passed on and never opened."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.form_schema import described
from synapse_gateway.api.transcription.dialects import Fields
from synapse_gateway.api.transcription.request import named, recording
from synapse_gateway.errors import ValidationError
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.server.uploads import FormLimits, form
from synapse_gateway.upstream.adapters import Operation

Speakers = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Diarize(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How many people speak, where that is known: exactly, or within bounds."""

    num_speakers: Speakers | UnsetType = UNSET
    min_speakers: Speakers | UnsetType = UNSET
    max_speakers: Speakers | UnsetType = UNSET

    def check(self) -> None:
        """Raises ValidationError for figures that contradict each other."""
        least, most = self.min_speakers, self.max_speakers
        if self.num_speakers is not UNSET and (least is not UNSET or most is not UNSET):
            raise ValidationError("send num_speakers, or min_speakers and max_speakers, not both", param="num_speakers")
        if least is not UNSET and most is not UNSET and least > most:
            raise ValidationError(f"min_speakers {least} is more than max_speakers {most}", param="min_speakers")


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A form of files alone."""


class Turn(msgspec.Struct, kw_only=True):
    """One speaker's turn, in seconds."""

    speaker: str
    start: float
    end: float


class Diarized(msgspec.Struct, kw_only=True):
    num_speakers: int
    segments: list[Turn]
    duration: float


class Verified(msgspec.Struct, kw_only=True):
    is_same_speaker: bool
    similarity_score: float
    threshold: float


async def diarize(call: Call) -> Response | Stream:
    """Both of these raise what `form` and `forward` raise."""
    async with recording(call) as (sent, file):
        wanted = sent.fields(Diarize)
        wanted.check()
        return await _ask(call, "diarize", Form(fields=_fields(wanted), files=[("file", file)]))


async def verify(call: Call) -> Response | Stream:
    most = call.gateway.settings.max_upload
    async with form(call, FormLimits(files={"file1": 1, "file2": 1}, file_bytes=most)) as sent:
        sent.fields(Nothing)
        files = [(f"file{number}", named(sent.file(f"file{number}"), f"speaker{number}.wav")) for number in (1, 2)]
        return await _ask(call, "verify", Form(files=files))


def _fields(wanted: Diarize) -> Fields:
    return [(name, str(value)) for name, value in msgspec.to_builtins(wanted).items()]


async def _ask(call: Call, operation: Operation, body: Form) -> Response | Stream:
    timeout_s = call.gateway.settings.timeouts["speaker"]
    order = UpstreamCall(operation=operation, timeout_s=timeout_s, body=lambda _: body)
    return await forward(call, order, call.gateway.registry.offering(operation)[:1])


def _endpoint(path: str, handler: Handler, operation: Operation, doc: Doc) -> Endpoint:
    return Endpoint(method="POST", path=path, handler=handler, operations=(operation,), doc=doc)


def _doc(summary: str, answer: Any, form: type[msgspec.Struct], *files: str) -> Doc:  # noqa: ANN401 - a type
    return Doc(summary=summary, tag="speakers", form=described(form, *files), required=files, answer=answer)


ENDPOINTS = (
    _endpoint("/speakers/diarize", diarize, "diarize", _doc("Who speaks when", Diarized, Diarize, "file")),
    _endpoint(
        "/speakers/verify",
        verify,
        "verify",
        _doc("Whether two recordings are of one person", Verified, Nothing, "file1", "file2"),
    ),
)
