"""Layout of a voice on disk: `<voice id>/metadata.json`, and `<voice id>/references/ref_001.wav` and so on.

The first gateway stored one recording per voice, `<voice id>/reference.wav`, which `migrate` moves.
"""

import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec

from synapse_gateway.api.voices.disk import locked, sync
from synapse_gateway.errors import ConflictError, NotFoundError

METADATA = "metadata.json"
REFERENCES = "references"
LOCK = ".lock"
MAX_METADATA = 64 * 1024
LEGACY_REFERENCE = "reference.wav"
REFERENCE_NAME = re.compile(r"ref_(\d{3,6})\.wav")
log = logging.getLogger("synapse_gateway.api.voices")


class VoiceMetadata(msgspec.Struct, kw_only=True):
    """Content of `metadata.json`. *owner*: name of the key that created the voice; the first gateway had none."""

    voice_id: str
    name: str
    created_at: str
    duration_seconds: float = 0.0
    owner: str | None = None


class Voice(msgspec.Struct, kw_only=True, frozen=True):
    """Voice on disk. *references*: names of its recordings, oldest first."""

    voice_id: str
    name: str
    created_at: str
    owner: str | None
    references: tuple[str, ...]


def is_id(text: str) -> bool:
    """Tell if *text* is a UUID in canonical form; no other id is looked up on the disk."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def reference_name(number: int) -> str:
    return f"ref_{number:03}.wav"


def number_of(name: str) -> int:
    """Return the number in the name of a reference, 0 for any other name."""
    match = REFERENCE_NAME.fullmatch(name)
    return int(match[1]) if match else 0


def voice_not_found() -> NotFoundError:
    return NotFoundError("Voice not found; GET /voices lists all voices", code="voice_not_found", param="voice_id")


def read_voice(folder: Path) -> Voice:
    """Return the voice in *folder*. Raises NotFoundError if it is missing, unreadable or a symbolic link."""
    metadata = read_metadata(folder)
    return Voice(
        voice_id=folder.name,
        name=metadata.name,
        created_at=metadata.created_at,
        owner=metadata.owner,
        references=references(folder),
    )


def read_metadata(folder: Path) -> VoiceMetadata:
    """Return the metadata of the voice in *folder*. Raises NotFoundError."""
    if folder.is_symlink():
        raise voice_not_found()
    try:
        file = os.open(folder / METADATA, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return msgspec.json.decode(os.read(file, MAX_METADATA), type=VoiceMetadata)
        finally:
            os.close(file)
    except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise voice_not_found() from error


def references(folder: Path) -> tuple[str, ...]:
    """Return the names of the recordings, oldest first. Raises NotFoundError if the voice is deleted meanwhile."""
    inside = folder / REFERENCES
    if inside.is_symlink() or not inside.is_dir():
        return ()
    try:
        with os.scandir(inside) as entries:
            names = [entry.name for entry in entries if number_of(entry.name) and entry.is_file(follow_symlinks=False)]
    except FileNotFoundError as error:
        raise voice_not_found() from error
    return tuple(sorted(names, key=number_of))


def migrate(folder: Path) -> None:
    """Move the recording of a voice of the first gateway; one that cannot be moved stays where it is."""
    legacy = folder / LEGACY_REFERENCE
    if folder.is_symlink() or legacy.is_symlink() or not legacy.is_file():
        return
    with suppress(ConflictError):  # another replica is migrating it
        try:
            with locked(folder / LOCK):
                _move(legacy, folder / REFERENCES)
        except OSError as error:
            log.warning("the voice %s keeps its old layout: %s", folder.name, error.strerror)


def _move(legacy: Path, inside: Path) -> None:
    inside.mkdir(exist_ok=True)
    highest = max(map(number_of, references(inside.parent)), default=0)
    legacy.rename(inside / reference_name(highest + 1))
    sync(inside)
    sync(inside.parent)
