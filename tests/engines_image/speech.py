"""Recordings of real-sounding speech: sentences that Kokoro's voices say, synthesized once in a session."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import kokoro_onnx
import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform, write_wav
from tests.engines_image.recordings import read_wav

RATE = 24_000
"""Sample rate of Kokoro, in Hz."""
VOICES = ("af_heart", "am_michael", "bf_emma")
SENTENCES = (
    "We walked along the river until it was dark.",
    "Please call me back tomorrow morning before nine.",
    "The old library keeps more than twenty thousand books.",
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
            write_wav(file, Waveform(samples.astype(np.float32), rate).pcm(), rate)
        return read_wav(file.read_bytes())

    @cached_property
    def _kokoro(self) -> Any:
        """The library takes all voices as one archive; each text brings its own here."""
        np.savez(self._folder / "voices.npz", none=np.zeros(1, np.float32))
        return kokoro_onnx.Kokoro(str(self._models / "kokoro-v1.0.int8.onnx"), str(self._folder / "voices.npz"))


@pytest.fixture(scope="session")
def say(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Say:
    """`say("A sentence.", "bf_emma")`: the sentence in that voice."""
    return Speaker(models, tmp_path_factory.mktemp("speech")).say
