"""Recordings of speech: sentences that Kokoro's voices say, synthesized once on a machine."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark import speech_samples
from synapse_engines.benchmark.speech_samples import Speaker
from tests.engines_image.packaged_models import packaged_models
from tests.engines_image.recordings import read_wav
from tools import paths

RATE = 24_000
"""Sample rate of Kokoro, in Hz."""
VOICES = ("af_heart", "am_michael", "bf_emma")
SENTENCES = (
    "We walked along the river until it was dark.",
    "Please call me back tomorrow in the morning.",
    "The old library keeps more books than anyone can read.",
    "Nobody knew why the lights went out in the kitchen.",
)
Say = Callable[..., Waveform]


class StoredSpeaker(Speaker):
    """Kokoro of the folder *models*, with one WAV file in *folder* for each text and voice."""

    def __init__(self, models: Path, folder: Path) -> None:
        super().__init__(models)
        self._stored = folder

    def recording(self, text: str, voice: str = VOICES[0]) -> Waveform:
        file = self._stored / f"{hashlib.sha256(f'{voice} {text}'.encode()).hexdigest()[:16]}.wav"
        if not file.exists():
            self._store(file, super().recording(text, voice).wav())
        return read_wav(file.read_bytes())

    @staticmethod
    def _store(file: Path, content: bytes) -> None:
        """Write *file* at once: other processes use it, too."""
        with NamedTemporaryFile(dir=file.parent, delete=False) as fresh:
            fresh.write(content)
        Path(fresh.name).replace(file)


@cache
def speaker() -> StoredSpeaker:
    models = packaged_models()
    folder = paths.cache() / "built" / f"speech-{models.name}-{version('kokoro-onnx')}"
    folder.mkdir(parents=True, exist_ok=True)
    return StoredSpeaker(models, folder)


@pytest.fixture(scope="session")
def say() -> Say:
    """`say("A sentence.", "bf_emma")`: the sentence in that voice, at 24 kHz."""
    return speaker().recording


async def speak(
    text: str = speech_samples.SENTENCES[0], voice: str = VOICES[0], rate: int = speech_samples.RATE
) -> Waveform:
    """Return *text* in *voice*, at *rate* Hz."""
    return await speaker().say(text, voice, rate)
