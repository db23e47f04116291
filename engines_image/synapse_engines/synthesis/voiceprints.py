"""Voiceprints of Kokoro's English voices: the speaker embedding of a sample that each one speaks.

The package carries those of the published voices, by the digest of the voice file. Others are computed when they are
first needed, and kept in the temporary folder.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import Settings
from synapse_engines.speakers.voice_encoder import Vector, VoiceEncoder
from synapse_engines.synthesis.kokoro_voices import KokoroVoices, Style, read_style

SAMPLE = "A large size in stockings is hard to sell, but the boy was there when the sun rose."
ENGLISH = ("a", "b")
ENCODER_RATE = 16_000
PACKAGED = Path(__file__).with_name("voiceprints.npz")
SpeakSample = Callable[[str, Style], Awaitable[Waveform]]


class Voiceprints:
    """Voiceprints of *voices*; *speak* synthesizes a text in American English."""

    def __init__(self, voices: KokoroVoices, encoder: Path, speak: SpeakSample, settings: Settings) -> None:
        self._voices, self._speak = voices, speak
        self._encoder = ModelHolder(encoder.stem, lambda: VoiceEncoder(encoder), settings.idle_unload_s)
        self._cache = Path(gettempdir()) / "synapse-voiceprints"
        self._computing = asyncio.Lock()
        self._prints: dict[str, Vector] = {}

    async def all(self) -> Mapping[str, Vector]:
        """Return the voiceprint of each English voice; other requests wait for the same computation."""
        async with self._computing:
            for name in self._voices.names():
                if is_english(name) and name not in self._prints:
                    self._prints[name] = await self._voiceprint(self._voices.path(name))
        return self._prints

    async def of_recording(self, waveform: Waveform) -> Vector:
        """Return the voiceprint of a recording at 16 kHz. Raises BadInputError if there is no speech in it."""
        return await asyncio.to_thread(self._embed, waveform)

    async def of_style(self, style: Style) -> Vector:
        """Return the voiceprint of the sample spoken in *style*."""
        return await self.of_recording(await resample(await self._speak(SAMPLE, style), ENCODER_RATE))

    def close(self) -> None:
        self._encoder.close()

    def _embed(self, waveform: Waveform) -> Vector:
        with self._encoder.use() as encoder:
            return encoder.embed(waveform)

    async def _voiceprint(self, voice: Path) -> Vector:
        digest = await asyncio.to_thread(digest_of, voice)
        cached = self._cache / f"{digest}.npy"
        stored = read_packaged().get(digest)
        if stored is None:
            stored = await asyncio.to_thread(_read_cached, cached)
        if stored is None:
            stored = await self.of_style(read_style(voice))
            await asyncio.to_thread(_write_cached, cached, stored)
        return stored


def is_english(voice: str) -> bool:
    return voice[0] in ENGLISH


def digest_of(voice: Path) -> str:
    return hashlib.sha256(voice.read_bytes()).hexdigest()


@cache
def read_packaged() -> Mapping[str, Vector]:
    """Return the voiceprints of the package, by the digest of the voice file."""
    with np.load(PACKAGED) as prints:
        return {digest: prints[digest].astype(np.float32) for digest in prints.files}


def _read_cached(file: Path) -> Vector | None:
    return np.load(file) if file.is_file() else None


def _write_cached(file: Path, voiceprint: Vector) -> None:
    file.parent.mkdir(exist_ok=True)
    np.save(file, voiceprint)
