"""Store of model profiles: one file that all replicas share, and that stays whole when a process dies."""

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

from synapse_gateway.api.models.profile_schema import CONTEXT_SIZE, Value
from synapse_gateway.errors import InternalError

REFRESH_S = 2.0
VERSION = 1
Values = Mapping[str, Value]
Stamp = tuple[int, int, int]
NO_VALUES: Values = {}
log = logging.getLogger("synapse_gateway.api.models.profile_store")


class StoredProfile(msgspec.Struct, frozen=True):
    """Profile of one model, and the time of its last change (UTC, ISO 8601)."""

    updated_at: str
    values: dict[str, Value]


class ProfileFile(msgspec.Struct, frozen=True):
    """Content of the file."""

    version: int
    models: dict[str, StoredProfile] = {}


class ProfileStore:
    """Profiles of all models. `of` reads memory; `refresh` and `change` read and write the file, and block meanwhile.

    The file is replaced and never written in place, so a reader sees the old or the new content. A damaged file is
    renamed and kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = ProfileFile(version=VERSION)
        self._stamp: Stamp | None = None

    def of(self, model: str) -> Values:
        """Return the values set for *model*; empty if there are none."""
        profile = self._content.models.get(model)
        return profile.values if profile else NO_VALUES

    def context_tokens(self, model: str) -> int | None:
        """Return the context size set for *model*, if any."""
        tokens = self.of(model).get(CONTEXT_SIZE)
        return tokens if isinstance(tokens, int) else None

    def refresh(self) -> None:
        """Read the file again if another replica changed it."""
        try:
            if self._stamp != self._current_stamp():
                with self._locked():
                    self._read()
        except OSError as error:
            log.warning("the profiles cannot be read; the former ones stay active: %s", type(error).__name__)

    def change(self, model: str, changes: Mapping[str, Value | None], *, is_whole: bool) -> Values:
        """Apply *changes* to the profile of *model*, or replace it if *is_whole*; None removes a field.

        Raises InternalError if the file cannot be written.
        """
        try:
            with self._locked():
                self._read()
                self._write(self._changed(model, changes, is_whole=is_whole))
        except OSError as error:
            raise InternalError(
                "the profiles cannot be written; check the disk of the gateway", code="storage_error"
            ) from error
        return self.of(model)

    def _changed(self, model: str, changes: Mapping[str, Value | None], *, is_whole: bool) -> ProfileFile:
        if self._content.version != VERSION:
            raise InternalError(
                "the profiles were written by a newer gateway and cannot be changed by this one", code="storage_error"
            )
        current = NO_VALUES if is_whole else self.of(model)
        values = {name: value for name, value in {**current, **changes}.items() if value is not None}
        models = {name: profile for name, profile in self._content.models.items() if name != model}
        if values:
            models[model] = StoredProfile(updated_at=datetime.now(UTC).isoformat(), values=values)
        return ProfileFile(version=VERSION, models=models)

    def _current_stamp(self) -> Stamp | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> None:
        stamp = self._current_stamp()
        if stamp is None:
            if self._stamp is not None:  # removed by a person, not by `_set_aside`
                self._content, self._stamp = ProfileFile(version=VERSION), None
            return
        try:
            self._content = _decode(self._path.read_bytes())
        except msgspec.DecodeError:
            self._set_aside()
            return
        self._stamp = stamp

    def _set_aside(self) -> None:
        """Rename a damaged file, for a person to look at; the last profiles that were read stay active."""
        backup = self._path.with_name(f"{self._path.name}.corrupt")
        if backup.exists():
            backup = self._path.with_name(f"{self._path.name}.{uuid4().hex}.corrupt")
        self._path.rename(backup)
        self._stamp = None
        log.error("the file of the profiles is damaged; it was renamed to %s", backup.name)

    def _write(self, content: ProfileFile) -> None:
        self._remove_leftovers()
        temporary = self._path.with_name(f".{self._path.name}.{uuid4().hex}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(content)))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(self._path.parent)
        self._content, self._stamp = content, self._current_stamp()

    def _remove_leftovers(self) -> None:
        """Remove temporary files of killed writers; the caller holds the lock."""
        for leftover in self._path.parent.glob(f".{self._path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the file, which admits one writer of all replicas."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f".{self._path.name}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _decode(data: bytes) -> ProfileFile:
    """Return the content of the file; of a newer version, its version alone."""
    version = msgspec.json.decode(data, type=FileVersion).version
    return msgspec.json.decode(data, type=ProfileFile) if version == VERSION else ProfileFile(version=version)


class FileVersion(msgspec.Struct):
    """Version of the file, the one field that every version has."""

    version: int


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def watch_profiles(profiles: ProfileStore, pause_s: float = REFRESH_S) -> None:
    """Refresh the profiles periodically, until cancelled."""
    while True:
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(profiles.refresh)
