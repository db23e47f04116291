"""The voice library as endpoints see it: who may see a voice, what may be added to it, and no waiting for the disk.

A voice belongs to the key that made it: other user keys do not learn that it exists. Admin keys see every voice, and
so does everybody where no keys are configured.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from synapse_gateway.api.voices import wav
from synapse_gateway.api.voices.record import Voice, missing
from synapse_gateway.api.voices.reference import Reference, reference
from synapse_gateway.api.voices.store import Store
from synapse_gateway.auth.keys import Identity
from synapse_gateway.errors import GatewayError, InternalError, NotFoundError, UnavailableError
from synapse_gateway.server.spool import Upload

LENGTHS_S = (5.0, 30.0)
"""Longer than the first and at most the second: what cloning takes (Chatterbox refuses or fails otherwise)."""
log = logging.getLogger("synapse_gateway.api.voices")
P = ParamSpec("P")
T = TypeVar("T")


class Library:
    """The voices in the folder *root*. Raises InternalError (`storage_error`) wherever the disk fails."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store: Store | None = None
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Put the folder in order. Where it cannot be used yet, `check_ready` says so and tries again."""
        try:
            await self._opened()
        except GatewayError:
            log.warning("the voice library cannot be opened; trying again whenever it is asked for")

    async def close(self) -> None:
        """Remove what was not finished. Whoever asks for a voice after that opens the library again."""
        store, self._store = self._store, None
        if store is not None:
            await asyncio.to_thread(store.close)

    async def check_ready(self) -> None:
        """Raise UnavailableError while the folder cannot be written; a full disk is no reason to stop the rest."""
        try:
            await _off_loop((await self._opened()).check)
        except GatewayError as error:
            if not _is_full(error):
                await self.close()  # the folder may have been exchanged
                raise UnavailableError("the voice library cannot be written", code="storage_error") from error

    async def voices(self, identity: Identity) -> list[Voice]:
        """Those that *identity* may see, by id."""
        store = await self._opened()
        return [voice for voice in await _off_loop(store.voices) if _may_see(identity, voice)]

    async def find(self, voice_id: str, identity: Identity) -> Voice:
        """Raises NotFoundError, also for what belongs to somebody else."""
        store = await self._opened()
        voice = await _off_loop(store.voice, voice_id)
        if not _may_see(identity, voice):
            raise missing()
        return voice

    async def create(self, name: str, files: Sequence[Upload], identity: Identity) -> tuple[Voice, list[str]]:
        """A new voice, and warnings about its recordings. Raises BadRequestError (`not_wav`)."""
        store = await self._opened()
        waves = await _inspected(files)
        voice = await _off_loop(store.create, name, identity.name, files)
        return voice, _warnings(voice.references, waves)

    async def add(self, voice_id: str, files: Sequence[Upload], identity: Identity) -> tuple[Voice, list[str]]:
        """The voice with *files* added, and warnings about them.

        Raises NotFoundError, BadRequestError (`not_wav`, `too_many_references`) and ConflictError (`voice_busy`).
        """
        await self.find(voice_id, identity)
        store = await self._opened()
        waves = await _inspected(files)
        voice, names = await _off_loop(store.add, voice_id, files)
        return voice, _warnings(names, waves)

    async def delete(self, voice_id: str, identity: Identity) -> None:
        """Raises NotFoundError and ConflictError (`voice_busy`)."""
        await self.find(voice_id, identity)
        await _off_loop((await self._opened()).delete, voice_id)

    async def reference(self, voice_id: str, identity: Identity) -> Reference:
        """The recording that a voice is cloned from: its first. Raises NotFoundError, also when it has none."""
        voice = await self.find(voice_id, identity)
        if not voice.references:
            raise NotFoundError("the voice has no references", code="voice_not_found", param="voice_id")
        path = (await self._opened()).path(voice_id, voice.references[0])
        return await _off_loop(reference, voice_id, path)

    async def _opened(self) -> Store:
        async with self._opening:
            if self._store is None:
                self._store = await _off_loop(Store, self._root)
            return self._store


async def _off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call in a thread what waits for the disk."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except OSError as error:
        log.error("the voice library: %s", errno.errorcode.get(error.errno or 0, "unknown"))  # noqa: TRY400 - it has paths
        raise InternalError("the voice library failed; its disk may be full", code="storage_error") from error


def _is_full(error: GatewayError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOSPC


async def _inspected(files: Sequence[Upload]) -> list[wav.Wave]:
    return [await asyncio.to_thread(wav.inspect, file.read_at, file.size) for file in files]


def _may_see(identity: Identity, voice: Voice) -> bool:
    return identity.is_admin or voice.owner == identity.name


def _warnings(names: Sequence[str], waves: Sequence[wav.Wave]) -> list[str]:
    least, most = LENGTHS_S
    return [
        f"{name} lasts {wave.duration_s:.1f} s; cloning needs more than {least:g} and at most {most:g} s"
        for name, wave in zip(names, waves, strict=True)
        if not least < wave.duration_s <= most
    ]
