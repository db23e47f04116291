"""Recordings of speech: sentences that Kokoro's voices say, synthesized once on a machine."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import kokoro_onnx
import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
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
LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "i": "it", "p": "pt-br"}
"""First letter of a voice -> its language for espeak-ng, which finds the phonemes."""
Say = Callable[..., Waveform]


class Speaker:
    """Kokoro, with one WAV file in *folder* for each text and voice."""

    def __init__(self, models: Path, folder: Path) -> None:
        self._models, self._folder = models / "kokoro", folder

    def say(self, text: str, voice: str = "af_heart") -> Waveform:
        """Return *text* as speech, at 24 kHz."""
        file = self._folder / f"{hashlib.sha256(f'{voice} {text}'.encode()).hexdigest()[:16]}.wav"
        if not file.exists():
            style = np.fromfile(self._models / f"voices/{voice}.bin", np.float32).reshape(-1, 1, 256)
            samples, rate = self._kokoro.create(text, style, lang=LANGUAGES[voice[0]])
            self._keep(file, Waveform(samples.astype(np.float32), rate).wav())
        return read_wav(file.read_bytes())

    @cached_property
    def _kokoro(self) -> Any:
        """The library takes all voices as one archive; each text brings its own here."""
        with NamedTemporaryFile(suffix=".npz") as voices:
            np.savez(voices, none=np.zeros(1, np.float32))
            voices.flush()
            return kokoro_onnx.Kokoro(str(self._models / "kokoro-v1.0.int8.onnx"), voices.name)

    @staticmethod
    def _keep(file: Path, content: bytes) -> None:
        """Write *file* at once: other processes use it, too."""
        with NamedTemporaryFile(dir=file.parent, delete=False) as fresh:
            fresh.write(content)
        Path(fresh.name).replace(file)


@pytest.fixture(scope="session")
def say(models: Path) -> Say:
    """`say("A sentence.", "bf_emma")`: the sentence in that voice."""
    folder = paths.cache() / "built" / f"speech-{models.name}-{version('kokoro-onnx')}"
    folder.mkdir(parents=True, exist_ok=True)
    return Speaker(models, folder).say
