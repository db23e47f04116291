"""Endpoints of the voice library: list, create, add recordings, delete."""

from collections.abc import Sequence

import msgspec

from synapse_gateway.api.recording_form import NoFields
from synapse_gateway.api.voices import Voice
from synapse_gateway.errors import ValidationError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import CONTROL
from synapse_gateway.server.uploads import FormLimits, form
from synapse_gateway.settings import MI

LIMITS = FormLimits(files={"files": 10}, file_bytes=50 * MI)
MAX_NAME = 128


class NewVoiceForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Text fields of the form that creates a voice."""

    name: str


class VoiceSummary(msgspec.Struct, kw_only=True):
    """Voice in the list."""

    voice_id: str
    name: str
    created_at: str
    references_count: int
    references: Sequence[str]


class VoiceChange(msgspec.Struct, kw_only=True):
    """Voice after a change. *warnings*: problems of its recordings that may prevent cloning."""

    voice_id: str
    name: str
    references_count: int
    references: Sequence[str]
    warnings: list[str]


class VoiceDeletion(msgspec.Struct, kw_only=True):
    """Deleted voice."""

    status: str
    voice_id: str


async def list_voices(call: Call) -> Response | Stream:
    """List the voices of the caller."""
    return call.answer([_summary(voice) for voice in await call.gateway.voices.voices(call.identity)])


async def create(call: Call) -> Response | Stream:
    """Create a voice. Raises the errors of `form` and `VoiceLibrary.create`."""
    async with form(call, LIMITS) as sent:
        name = _name(sent.fields(NewVoiceForm).name)
        voice, warnings = await call.gateway.voices.create(name, sent.files("files"), call.identity)
    return call.answer(_change(voice, warnings), 201)


async def add(call: Call) -> Response | Stream:
    """Add recordings to a voice. Raises the errors of `form` and `VoiceLibrary.add`."""
    voice_id, voices = call.parameters["voice_id"], call.gateway.voices
    await voices.find(voice_id, call.identity)  # before half a gigabyte is received
    async with form(call, LIMITS) as sent:
        sent.fields(NoFields)
        voice, warnings = await voices.add(voice_id, sent.files("files"), call.identity)
    call.gateway.reference_cache.forget(voice_id)
    return call.answer(_change(voice, warnings))


async def delete(call: Call) -> Response | Stream:
    """Delete a voice. Raises the errors of `VoiceLibrary.delete`."""
    voice_id = call.parameters["voice_id"]
    await call.gateway.voices.delete(voice_id, call.identity)
    call.gateway.reference_cache.forget(voice_id)
    return call.answer(VoiceDeletion(status="deleted", voice_id=voice_id))


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME or CONTROL.search(name):
        raise ValidationError(f"the name must have 1 to {MAX_NAME} characters and no control characters", param="name")
    return name


def _summary(voice: Voice) -> VoiceSummary:
    return VoiceSummary(
        voice_id=voice.voice_id,
        name=voice.name,
        created_at=voice.created_at,
        references_count=len(voice.references),
        references=voice.references,
    )


def _change(voice: Voice, warnings: list[str]) -> VoiceChange:
    return VoiceChange(
        voice_id=voice.voice_id,
        name=voice.name,
        references_count=len(voice.references),
        references=voice.references,
        warnings=warnings,
    )


FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "minItems": 1,
    "maxItems": LIMITS.files["files"],
    "description": f"WAV files of more than 5 and at most 30 seconds, each of at most {LIMITS.file_bytes} bytes",
}
NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/voices",
        handler=list_voices,
        doc=Doc(summary="List the voices that the caller may use", tag="voices", answer=list[VoiceSummary]),
    ),
    Endpoint(
        method="POST",
        path="/voices",
        handler=create,
        body_limit=LIMITS.body_bytes,
        doc=Doc(
            summary="Create a voice from recordings",
            tag="voices",
            form={"name": NAME, "files": FILES},
            required=("name", "files"),
            answer=VoiceChange,
            status=201,
        ),
    ),
    Endpoint(
        method="POST",
        path="/voices/{voice_id}/references",
        handler=add,
        body_limit=LIMITS.body_bytes,
        doc=Doc(
            summary="Add recordings to a voice",
            tag="voices",
            form={"files": FILES},
            required=("files",),
            answer=VoiceChange,
        ),
    ),
    Endpoint(
        method="DELETE",
        path="/voices/{voice_id}",
        handler=delete,
        doc=Doc(summary="Delete a voice and its recordings", tag="voices", answer=VoiceDeletion),
    ),
)
