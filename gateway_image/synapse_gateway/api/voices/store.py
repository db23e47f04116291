"""The voices on disk. Every change is one rename or link of something finished: a process may die at any point.

All of it blocks; `library.py` calls it in threads. A full disk is an OSError.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from synapse_gateway.api.voices import legacy, wav
from synapse_gateway.api.voices.disk import Source, locked, sync, write, write_bytes
from synapse_gateway.api.voices.record import (
    LOCK,
    METADATA,
    REFERENCES,
    Metadata,
    Voice,
    is_id,
    missing,
    number_of,
    read,
    read_metadata,
    reference_name,
    references,
)
from synapse_gateway.api.voices.scratch import Scratch, remove
from synapse_gateway.errors import BadRequestError, GatewayError, NotFoundError

MOST_REFERENCES = 50
log = logging.getLogger("synapse_gateway.api.voices")


class Store:
    """The library in the folder *root*."""

    def __init__(self, root: Path) -> None:
        """Make the folder where it is missing, and put in order what earlier processes left. Raises OSError."""
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        with locked(root / LOCK):
            self._scratch = Scratch(root)
            for folder in self._folders():
                legacy.migrate(folder)

    def close(self) -> None:
        self._scratch.close()

    def check(self) -> None:
        """Raises OSError where nothing can be written."""
        with self._scratch.place() as path:
            path.touch()

    def voices(self) -> list[Voice]:
        """All that can be read, by id."""
        return [voice for folder in self._folders() if (voice := _readable(folder))]

    def voice(self, voice_id: str) -> Voice:
        """Raises NotFoundError."""
        return read(self._folder(voice_id))

    def path(self, voice_id: str, reference: str) -> Path:
        return self._folder(voice_id) / REFERENCES / reference

    def create(self, name: str, owner: str, sources: Sequence[Source]) -> Voice:
        """A new voice with the recordings *sources*."""
        voice_id = str(uuid4())
        metadata = Metadata(
            voice_id=voice_id, name=name, created_at=datetime.now(UTC).isoformat(timespec="seconds"), owner=owner
        )
        with self._scratch.place() as unfinished:
            _fill(unfinished, metadata, sources)
            unfinished.rename(self._root / voice_id)
        sync(self._root)
        return self.voice(voice_id)

    def add(self, voice_id: str, sources: Sequence[Source]) -> tuple[Voice, list[str]]:
        """The voice with the recordings *sources* added, and their names; all of them or none.

        Raises NotFoundError, BadRequestError (`too_many_references`) and ConflictError (`voice_busy`).
        """
        with self._scratch.place() as unfinished:
            unfinished.mkdir()
            for number, source in enumerate(sources):  # the long part, without the lock
                write(unfinished / str(number), source)
            with self._changing(voice_id) as folder:
                names = _names(folder, len(sources))
                _measure(unfinished, folder)
                _link_all(unfinished, folder / REFERENCES, names)
                (unfinished / METADATA).replace(folder / METADATA)
                sync(folder)
                return read(folder), names

    def delete(self, voice_id: str) -> None:
        """Raises NotFoundError and ConflictError (`voice_busy`)."""
        with self._scratch.place() as gone:
            with self._changing(voice_id) as folder:
                folder.rename(gone)
                sync(self._root)
            for copy in self._root.glob(f"{voice_id}_ref_*.wav"):  # where a backend shares the volume
                remove(copy)

    def _folders(self) -> Iterator[Path]:
        return (folder for folder in sorted(self._root.iterdir()) if is_id(folder.name))

    def _folder(self, voice_id: str) -> Path:
        """Raises NotFoundError for what can be no voice's name."""
        if not is_id(voice_id):
            raise missing()
        return self._root / voice_id

    @contextmanager
    def _changing(self, voice_id: str) -> Iterator[Path]:
        """The folder of a voice that nobody else changes."""
        folder = self._folder(voice_id)
        read_metadata(folder)
        with ExitStack() as held:
            try:
                held.enter_context(locked(folder / LOCK))
            except FileNotFoundError as error:
                raise missing() from error
            read_metadata(folder)  # it may have been deleted while this call waited
            yield folder


def _readable(folder: Path) -> Voice | None:
    try:
        return read(folder)
    except NotFoundError:
        log.warning("the voice %s cannot be read; it is left out", folder.name)
        return None


def _fill(folder: Path, metadata: Metadata, sources: Sequence[Source]) -> None:
    """Everything that makes a voice, in the new *folder*."""
    inside = folder / REFERENCES
    inside.mkdir(parents=True)
    for number, source in enumerate(sources, 1):
        write(inside / reference_name(number), source)
    metadata.duration_seconds = _duration_s(inside / name for name in references(folder))
    write_bytes(folder / METADATA, msgspec.json.encode(metadata))
    (folder / LOCK).touch()  # so that a full disk does not keep it from being deleted
    sync(inside)
    sync(folder)


def _names(folder: Path, count: int) -> list[str]:
    """Names for *count* new recordings, after the highest there is."""
    there = references(folder)
    if len(there) + count > MOST_REFERENCES:
        raise BadRequestError(
            f"a voice has at most {MOST_REFERENCES} references; this one has {len(there)}",
            code="too_many_references",
            param="files",
        )
    highest = max(map(number_of, there), default=0)
    return [reference_name(highest + 1 + number) for number in range(count)]


def _measure(unfinished: Path, folder: Path) -> None:
    """Write the metadata for *folder* as it will be with the recordings in *unfinished*."""
    metadata = read_metadata(folder)
    there = (folder / REFERENCES / name for name in references(folder))
    metadata.duration_seconds = _duration_s([*there, *unfinished.iterdir()])
    write_bytes(unfinished / METADATA, msgspec.json.encode(metadata))


def _link_all(unfinished: Path, inside: Path, names: Sequence[str]) -> None:
    """Give finished recordings their names, which nobody else has; all of them or none."""
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
    """Seconds of all recordings; one that cannot be read counts for nothing."""
    return round(sum(map(_seconds, paths)), 3)


def _seconds(path: Path) -> float:
    with path.open("rb") as file:
        try:
            return wav.inspect(
                lambda offset, size: os.pread(file.fileno(), size, offset), path.stat().st_size
            ).duration_s
        except GatewayError:
            return 0.0
