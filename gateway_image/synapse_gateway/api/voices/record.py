"""What is on disk of a voice: `<voice id>/metadata.json`, and `<voice id>/references/ref_001.wav` and so on."""

import os
import re
from pathlib import Path
from uuid import UUID

import msgspec

from synapse_gateway.errors import NotFoundError

METADATA = "metadata.json"
REFERENCES = "references"
LOCK = ".lock"
MOST_METADATA = 64 * 1024
NAME = re.compile(r"ref_(\d{3,6})\.wav")


class Metadata(msgspec.Struct, kw_only=True):
    """`metadata.json`. *owner*: the name of the key that made it; None for a voice from before there were owners."""

    voice_id: str
    name: str
    created_at: str
    duration_seconds: float = 0.0
    owner: str | None = None


class Voice(msgspec.Struct, kw_only=True, frozen=True):
    """A voice as it was found. *references*: the names of its recordings, oldest first."""

    voice_id: str
    name: str
    created_at: str
    owner: str | None
    references: tuple[str, ...]


def is_id(text: str) -> bool:
    """Whether *text* is a UUID in the one form that the library gives out; nothing else reaches the disk."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def reference_name(number: int) -> str:
    return f"ref_{number:03}.wav"


def number_of(name: str) -> int:
    """The number in the name of a reference, 0 for any other name."""
    found = NAME.fullmatch(name)
    return int(found[1]) if found else 0


def missing() -> NotFoundError:
    return NotFoundError("Voice not found; GET /voices lists those there are", code="voice_not_found", param="voice_id")


def read(folder: Path) -> Voice:
    """The voice in *folder*. Raises NotFoundError where there is none, also behind a link, or an unreadable one."""
    metadata = read_metadata(folder)
    return Voice(
        voice_id=folder.name,
        name=metadata.name,
        created_at=metadata.created_at,
        owner=metadata.owner,
        references=references(folder),
    )


def read_metadata(folder: Path) -> Metadata:
    """Raises NotFoundError."""
    if folder.is_symlink():
        raise missing()
    try:
        file = os.open(folder / METADATA, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return msgspec.json.decode(os.read(file, MOST_METADATA), type=Metadata)
        finally:
            os.close(file)
    except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise missing() from error


def references(folder: Path) -> tuple[str, ...]:
    """The names of its recordings, oldest first. Raises NotFoundError when the voice goes meanwhile."""
    inside = folder / REFERENCES
    if inside.is_symlink() or not inside.is_dir():
        return ()
    try:
        with os.scandir(inside) as found:
            names = [entry.name for entry in found if number_of(entry.name) and entry.is_file(follow_symlinks=False)]
    except FileNotFoundError as error:
        raise missing() from error
    return tuple(sorted(names, key=number_of))
