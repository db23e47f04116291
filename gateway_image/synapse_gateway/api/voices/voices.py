"""The voice library: list, create, add recordings, delete."""

from collections.abc import Sequence

import msgspec

from synapse_gateway.api.voices import Voice
from synapse_gateway.errors import ValidationError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import CONTROL
from synapse_gateway.server.uploads import FormLimits, form
from synapse_gateway.settings import MI

LIMITS = FormLimits(files={"files": 10}, file_bytes=50 * MI)
MOST_NAME = 128


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A form without text."""


class NewVoice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The text of the form that makes a voice."""

    name: str


class Listed(msgspec.Struct, kw_only=True):
    """A voice in the list."""

    voice_id: str
    name: str
    created_at: str
    references_count: int
    references: Sequence[str]


class Changed(msgspec.Struct, kw_only=True):
    """A voice that was made or added to. *warnings*: what may keep it from being cloned."""

    voice_id: str
    name: str
    references_count: int
    references: Sequence[str]
    warnings: list[str]


class Deleted(msgspec.Struct, kw_only=True):
    """A voice that is gone."""

    status: str
    voice_id: str


async def listed(call: Call) -> Response | Stream:
    return call.answer([_listed(voice) for voice in await call.gateway.voices.voices(call.identity)])


async def create(call: Call) -> Response | Stream:
    async with form(call, LIMITS) as sent:
        name = _name(sent.fields(NewVoice).name)
        voice, warnings = await call.gateway.voices.create(name, sent.files("files"), call.identity)
    return call.answer(_changed(voice, warnings), 201)


async def add(call: Call) -> Response | Stream:
    voice_id, voices = call.parameters["voice_id"], call.gateway.voices
    await voices.find(voice_id, call.identity)  # before half a gigabyte is taken in
    async with form(call, LIMITS) as sent:
        sent.fields(Nothing)
        voice, warnings = await voices.add(voice_id, sent.files("files"), call.identity)
    call.gateway.copies.forget(voice_id)
    return call.answer(_changed(voice, warnings))


async def delete(call: Call) -> Response | Stream:
    voice_id = call.parameters["voice_id"]
    await call.gateway.voices.delete(voice_id, call.identity)
    call.gateway.copies.forget(voice_id)
    return call.answer(Deleted(status="deleted", voice_id=voice_id))


def _name(given: str) -> str:
    name = given.strip()
    if not 0 < len(name) <= MOST_NAME or CONTROL.search(name):
        raise ValidationError(f"a name has 1 to {MOST_NAME} characters, none of them control characters", param="name")
    return name


def _listed(voice: Voice) -> Listed:
    return Listed(
        voice_id=voice.voice_id,
        name=voice.name,
        created_at=voice.created_at,
        references_count=len(voice.references),
        references=voice.references,
    )


def _changed(voice: Voice, warnings: list[str]) -> Changed:
    return Changed(
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
NAME = {"type": "string", "minLength": 1, "maxLength": MOST_NAME}
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/voices",
        handler=listed,
        doc=Doc(summary="The voices that the caller may use", tag="voices", answer=list[Listed]),
    ),
    Endpoint(
        method="POST",
        path="/voices",
        handler=create,
        body_limit=LIMITS.body_bytes,
        doc=Doc(
            summary="Make a voice from recordings",
            tag="voices",
            form={"name": NAME, "files": FILES},
            required=("name", "files"),
            answer=Changed,
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
            answer=Changed,
        ),
    ),
    Endpoint(
        method="DELETE",
        path="/voices/{voice_id}",
        handler=delete,
        doc=Doc(summary="Delete a voice and its recordings", tag="voices", answer=Deleted),
    ),
)
