"""What was set for each model, in a file that all replicas share and that survives whatever happens to one of them."""

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from synapse_gateway.api.models.profile_schema import RUNTIME, Value
from synapse_gateway.errors import InternalError

LOOK_S = 2.0
VERSION = 1
Values = Mapping[str, Value]
Stamp = tuple[int, int, int]
NONE: Values = {}
log = logging.getLogger("synapse_gateway.api.models.profile_store")


class Profile(msgspec.Struct, frozen=True):
    """What was set for one model, and when (UTC, ISO 8601)."""

    updated_at: str
    values: dict[str, Value]


class Document(msgspec.Struct, frozen=True):
    """The whole file."""

    version: int
    models: dict[str, Profile] = {}


class Profiles:
    """The profiles. `of` reads memory; `look` and `change` read and write the file, and block while they do.

    A file is never written in place: a reader meets the former one or the new one, whole. A damaged one is put aside.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._document = Document(version=VERSION)
        self._stamp: Stamp | None = None

    def of(self, model: str) -> Values:
        """What is set for *model*; empty where nothing is."""
        found = self._document.models.get(model)
        return found.values if found else NONE

    def context_tokens(self, model: str) -> int | None:
        """The context size that *model* asks for, where it does."""
        found = self.of(model).get(RUNTIME)
        return found if isinstance(found, int) else None

    def look(self) -> None:
        """Take over what another replica wrote."""
        try:
            if self._stamp != self._seen():
                with self._locked():
                    self._read()
        except OSError as error:
            log.warning("the profiles cannot be read, those known stay in force: %s", type(error).__name__)

    def change(self, model: str, changes: Mapping[str, Value | None], *, is_whole: bool) -> Values:
        """Set *changes* of *model*, and nothing else where they are the whole; None takes a field away.

        Raises InternalError when the file cannot be written.
        """
        try:
            with self._locked():
                self._read()
                self._write(self._changed(model, changes, is_whole=is_whole))
        except OSError as error:
            raise InternalError("the profiles cannot be written", code="storage_error") from error
        return self.of(model)

    def _changed(self, model: str, changes: Mapping[str, Value | None], *, is_whole: bool) -> Document:
        if self._document.version != VERSION:
            raise InternalError("the profiles were written by a newer gateway", code="storage_error")
        former = NONE if is_whole else self.of(model)
        values = {name: value for name, value in {**former, **changes}.items() if value is not None}
        models = {name: profile for name, profile in self._document.models.items() if name != model}
        if values:
            models[model] = Profile(updated_at=datetime.now(UTC).isoformat(), values=values)
        return Document(version=VERSION, models=models)

    # The file

    def _seen(self) -> Stamp | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> None:
        stamp = self._seen()
        if stamp is None:
            if self._stamp is not None:  # taken away by somebody, and not put aside for its damage
                self._document, self._stamp = Document(version=VERSION), None
            return
        try:
            self._document = _decoded(self._path.read_bytes())
        except msgspec.DecodeError:
            self._put_aside()
            return
        self._stamp = stamp

    def _put_aside(self) -> None:
        """What is known stays in force, until somebody has looked at the damage."""
        beside = self._path.with_name(f"{self._path.name}.corrupt")
        if beside.exists():
            beside = self._path.with_name(f"{self._path.name}.{uuid4().hex}.corrupt")
        self._path.rename(beside)
        self._stamp = None
        log.error("the profiles are damaged; the file is kept beside its place, as %s", beside.name)

    def _write(self, document: Document) -> None:
        self._tidy()
        fresh = self._path.with_name(f".{self._path.name}.{uuid4().hex}.tmp")
        try:
            with fresh.open("xb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(document)))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)
        _sync(self._path.parent)
        self._document, self._stamp = document, self._seen()

    def _tidy(self) -> None:
        """Take away what a writer left that was killed; there is no other writer now."""
        for left in self._path.parent.glob(f".{self._path.name}.*.tmp"):
            left.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, of all replicas."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f".{self._path.name}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _decoded(data: bytes) -> Document:
    """The file's content; of a newer version, nothing but that."""
    version = msgspec.json.decode(data, type=Version).version
    return msgspec.json.decode(data, type=Document) if version == VERSION else Document(version=version)


class Version(msgspec.Struct):
    """The one field that every version has."""

    version: int


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def watch(profiles: Profiles, pause_s: float = LOOK_S) -> None:
    """Look again and again."""
    while True:
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(profiles.look)
