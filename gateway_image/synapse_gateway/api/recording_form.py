"""Forms with recordings: their JSON schema, and the one recording of a form as an upload.

Recordings are passed on and never decoded here.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from synapse_gateway.server.call import Call
from synapse_gateway.server.multipart import OCTETS
from synapse_gateway.server.spool import Upload
from synapse_gateway.server.uploads import FormLimits, UploadedForm, form

FILE: Mapping[str, Any] = {"type": "string", "format": "binary"}
FormFields = Iterable[tuple[str, str]]


class NoFields(msgspec.Struct, forbid_unknown_fields=True):
    """Form that has files and no text fields."""


def form_schema(kind: type[msgspec.Struct], *files: str) -> dict[str, Mapping[str, Any]]:
    """Return the JSON schema of each field: *files*, and the fields of *kind*, which are left out rather than null."""
    _, components = msgspec.json.schema_components([kind])
    return {**dict.fromkeys(files, FILE), **components[kind.__name__]["properties"]}


@asynccontextmanager
async def recording_form(call: Call) -> AsyncIterator[tuple[UploadedForm, Upload]]:
    """Receive a form and the recording in its field `file`. Raises the errors of `form`."""
    async with form(call, FormLimits(files={"file": 1}, file_bytes=call.gateway.settings.max_upload)) as sent:
        yield sent, with_defaults(sent.file("file"), "audio.wav")


def with_defaults(file: Upload, name: str) -> Upload:
    """Return *file* with the name *name* and the type of a WAV file where its client sent neither."""
    media = "audio/wav" if file.content_type == OCTETS else file.content_type
    return replace(file, name=file.name or name, content_type=media)
