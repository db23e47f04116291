"""Voices on disk. Every change is one rename or link of finished files, so that a process may be killed at any point.

All methods block; `library.py` calls them in threads. A full disk raises OSError.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from synapse_gateway.api.voices import wav
from synapse_gateway.api.voices.disk import Source, locked, sync, write, write_bytes
from synapse_gateway.api.voices.layout import (
    LOCK,
    METADATA,
    REFERENCES,
    Voice,
    VoiceMetadata,
    is_id,
    migrate,
    number_of,
    read_metadata,
    read_voice,
    reference_name,
    references,
    voice_not_found,
)
from synapse_gateway.api.voices.scratch import ScratchFolder, remove
from synapse_gateway.errors import BadRequestError, GatewayError, NotFoundError

MAX_REFERENCES = 50
log = logging.getLogger("synapse_gateway.api.voices")


class VoiceStore:
    """Voices in the folder *root*."""

    def __init__(self, root: Path) -> None:
        """Create the folder if missing, remove leftovers of dead processes, and migrate old voices. Raises OSError."""
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        with locked(root / LOCK):
            self._scratch = ScratchFolder(root)
            for folder in self._folders():
                migrate(folder)

    def close(self) -> None:
        self._scratch.close()

    def check(self) -> None:
        """Raise OSError if nothing can be written."""
        with self._scratch.temporary_path() as path:
            path.touch()

    def voices(self) -> list[Voice]:
        """Return all readable voices, by id."""
        return [voice for folder in self._folders() if (voice := _readable(folder))]

    def voice(self, voice_id: str) -> Voice:
        """Return a voice. Raises NotFoundError."""
        return read_voice(self._folder(voice_id))

    def path(self, voice_id: str, reference: str) -> Path:
        return self._folder(voice_id) / REFERENCES / reference

    def create(self, name: str, owner: str, sources: Sequence[Source]) -> Voice:
        """Create a voice with the recordings *sources*."""
        voice_id = str(uuid4())
        metadata = VoiceMetadata(
            voice_id=voice_id, name=name, created_at=datetime.now(UTC).isoformat(timespec="seconds"), owner=owner
        )
        with self._scratch.temporary_path() as unfinished:
            _fill(unfinished, metadata, sources)
            unfinished.rename(self._root / voice_id)
        sync(self._root)
        return self.voice(voice_id)

    def add(self, voice_id: str, sources: Sequence[Source]) -> tuple[Voice, list[str]]:
        """Add the recordings *sources*, all or none, and return the voice and their names.

        Raises NotFoundError, BadRequestError (`too_many_references`) and ConflictError (`voice_busy`).
        """
        with self._scratch.temporary_path() as unfinished:
            unfinished.mkdir()
            for number, source in enumerate(sources):  # takes long, so without the lock
                write(unfinished / str(number), source)
            with self._changing(voice_id) as folder:
                names = _names(folder, len(sources))
                _measure(unfinished, folder)
                _link_all(unfinished, folder / REFERENCES, names)
                (unfinished / METADATA).replace(folder / METADATA)
                sync(folder)
                return read_voice(folder), names

    def delete(self, voice_id: str) -> None:
        """Delete a voice. Raises NotFoundError and ConflictError (`voice_busy`)."""
        with self._scratch.temporary_path() as deleted:
            with self._changing(voice_id) as folder:
                folder.rename(deleted)
                sync(self._root)
            for copy in self._root.glob(f"{voice_id}_ref_*.wav"):  # a backend may share the volume
                remove(copy)

    def _folders(self) -> Iterator[Path]:
        return (folder for folder in sorted(self._root.iterdir()) if is_id(folder.name))

    def _folder(self, voice_id: str) -> Path:
        """Return the folder of a voice. Raises NotFoundError for an invalid id."""
        if not is_id(voice_id):
            raise voice_not_found()
        return self._root / voice_id

    @contextmanager
    def _changing(self, voice_id: str) -> Iterator[Path]:
        """Lock the folder of a voice against other changes."""
        folder = self._folder(voice_id)
        read_metadata(folder)
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder / LOCK))
            except FileNotFoundError as error:
                raise voice_not_found() from error
            read_metadata(folder)  # it may have been deleted while this call waited for the lock
            yield folder


def _readable(folder: Path) -> Voice | None:
    try:
        return read_voice(folder)
    except NotFoundError:
        log.warning("the voice %s cannot be read and is left out", folder.name)
        return None


def _fill(folder: Path, metadata: VoiceMetadata, sources: Sequence[Source]) -> None:
    """Write all files of a voice into the new *folder*."""
    inside = folder / REFERENCES
    inside.mkdir(parents=True)
    for number, source in enumerate(sources, 1):
        write(inside / reference_name(number), source)
    metadata.duration_seconds = _duration_s(inside / name for name in references(folder))
    write_bytes(folder / METADATA, msgspec.json.encode(metadata))
    (folder / LOCK).touch()  # exists already when the disk is full, so that the voice can be deleted
    sync(inside)
    sync(folder)


def _names(folder: Path, count: int) -> list[str]:
    """Return names for *count* new recordings, after the highest existing one."""
    existing = references(folder)
    if len(existing) + count > MAX_REFERENCES:
        raise BadRequestError(
            f"a voice has at most {MAX_REFERENCES} references; this one has {len(existing)}",
            code="too_many_references",
            param="files",
        )
    highest = max(map(number_of, existing), default=0)
    return [reference_name(highest + 1 + number) for number in range(count)]


def _measure(unfinished: Path, folder: Path) -> None:
    """Write the metadata that *folder* will have with the recordings in *unfinished*."""
    metadata = read_metadata(folder)
    existing = (folder / REFERENCES / name for name in references(folder))
    metadata.duration_seconds = _duration_s([*existing, *unfinished.iterdir()])
    write_bytes(unfinished / METADATA, msgspec.json.encode(metadata))


def _link_all(unfinished: Path, inside: Path, names: Sequence[str]) -> None:
    """Link finished recordings under their new names, all or none."""
    inside.mkdir(exist_ok=True)
    linked: list[Path] = []
    try:
        for number, name in enumerate(names):
            os.link(unfinished / str(number), inside / name)
            linked.append(inside / name)
    except OSError:
        for path in linked:
            remove(path)
        raise
    sync(inside)


def _duration_s(paths: Iterable[Path]) -> float:
    """Return the seconds of all recordings; an unreadable one counts as 0."""
    return round(sum(map(_recording_s, paths)), 3)


def _recording_s(path: Path) -> float:
    with path.open("rb") as file:
        try:
            return wav.inspect(
                lambda offset, size: os.pread(file.fileno(), size, offset), path.stat().st_size
            ).duration_s
        except GatewayError:
            return 0.0
