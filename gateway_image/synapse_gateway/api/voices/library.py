"""Voice library for endpoints: access control and checks of recordings, without blocking the event loop.

A voice belongs to the key that created it, and is hidden from other user keys. Admin keys see every voice; so do all
callers if no keys are configured.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from synapse_gateway.api.voices import wav
from synapse_gateway.api.voices.disk import Source
from synapse_gateway.api.voices.layout import Voice, voice_not_found
from synapse_gateway.api.voices.reference import Reference, reference
from synapse_gateway.api.voices.store import VoiceStore
from synapse_gateway.auth.keys import Identity
from synapse_gateway.errors import GatewayError, InternalError, NotFoundError, UnavailableError

LENGTHS_S = (5.0, 30.0)
"""Length of a recording for cloning: more than the first, at most the second; Chatterbox fails with any other."""
log = logging.getLogger("synapse_gateway.api.voices")
P = ParamSpec("P")
T = TypeVar("T")


class VoiceLibrary:
    """Voices in the folder *root*. Every method raises InternalError (`storage_error`) if the disk fails."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store: VoiceStore | None = None
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Open the folder. If that fails, it is logged, and `check_ready` tries again."""
        try:
            await self._opened()
        except GatewayError:
            log.warning("the voice library cannot be opened; it is tried again at each request")

    async def close(self) -> None:
        """Remove unfinished files and close the folder; the next request opens it again."""
        store, self._store = self._store, None
        if store is not None:
            await asyncio.to_thread(store.close)

    async def check_ready(self) -> None:
        """Raise UnavailableError while the folder cannot be written; a full disk does not make the replica unready."""
        try:
            await _off_loop((await self._opened()).check)
        except GatewayError as error:
            if not _is_full(error):
                await self.close()  # the folder may have been replaced
                raise UnavailableError(
                    "the voice library cannot be written; check its volume", code="storage_error"
                ) from error

    async def voices(self, identity: Identity) -> list[Voice]:
        """Return the voices that *identity* may see, by id."""
        store = await self._opened()
        return [voice for voice in await _off_loop(store.voices) if _may_see(identity, voice)]

    async def find(self, voice_id: str, identity: Identity) -> Voice:
        """Return a voice. Raises NotFoundError, also for a voice of another key."""
        store = await self._opened()
        voice = await _off_loop(store.voice, voice_id)
        if not _may_see(identity, voice):
            raise voice_not_found()
        return voice

    async def create(self, name: str, sources: Sequence[Source], identity: Identity) -> tuple[Voice, list[str]]:
        """Create a voice, and return it with warnings about its recordings. Raises BadRequestError (`not_wav`)."""
        store = await self._opened()
        waves = await _inspect(sources)
        voice = await _off_loop(store.create, name, identity.name, sources)
        return voice, _warnings(voice.references, waves)

    async def add(self, voice_id: str, sources: Sequence[Source], identity: Identity) -> tuple[Voice, list[str]]:
        """Add recordings to a voice, and return it with warnings about them.

        Raises NotFoundError, BadRequestError (`not_wav`, `too_many_references`) and ConflictError (`voice_busy`).
        """
        await self.find(voice_id, identity)
        store = await self._opened()
        waves = await _inspect(sources)
        voice, names = await _off_loop(store.add, voice_id, sources)
        return voice, _warnings(names, waves)

    async def delete(self, voice_id: str, identity: Identity) -> None:
        """Delete a voice. Raises NotFoundError and ConflictError (`voice_busy`)."""
        await self.find(voice_id, identity)
        await _off_loop((await self._opened()).delete, voice_id)

    async def reference(self, voice_id: str, identity: Identity) -> Reference:
        """Return the first recording of a voice, which it is cloned from. Raises NotFoundError, also if it has none."""
        voice = await self.find(voice_id, identity)
        if not voice.references:
            raise NotFoundError("the voice has no references", code="voice_not_found", param="voice_id")
        path = (await self._opened()).path(voice_id, voice.references[0])
        return await _off_loop(reference, voice_id, path)

    async def _opened(self) -> VoiceStore:
        async with self._opening:
            if self._store is None:
                self._store = await _off_loop(VoiceStore, self._root)
            return self._store


async def _off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call *function*, which waits for the disk, in a thread."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except OSError as error:
        log.error("the voice library failed: %s", errno.errorcode.get(error.errno or 0, "unknown"))  # noqa: TRY400 - the traceback has paths
        raise InternalError("the voice library failed; its disk may be full", code="storage_error") from error


def _is_full(error: GatewayError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOSPC


async def _inspect(sources: Sequence[Source]) -> list[wav.WaveFormat]:
    return [await asyncio.to_thread(wav.inspect, source.read_at, source.size) for source in sources]


def _may_see(identity: Identity, voice: Voice) -> bool:
    return identity.is_admin or voice.owner == identity.name


def _warnings(names: Sequence[str], waves: Sequence[wav.WaveFormat]) -> list[str]:
    least, most = LENGTHS_S
    return [
        f"{name} lasts {wave.duration_s:.1f} s; cloning needs more than {least:g} and at most {most:g} s"
        for name, wave in zip(names, waves, strict=True)
        if not least < wave.duration_s <= most
    ]
