"""Kokoro, a model with 82 million parameters, by the library kokoro-onnx (https://github.com/thewh1teagle/kokoro-onnx)."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from kokoro_onnx import Kokoro
from phonemizer import phonemize

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.settings import Settings
from synapse_engines.synthesis.kokoro_voices import Style
from synapse_engines.synthesis.onnx_session import create_session

logging.getLogger("phonemizer").setLevel(logging.ERROR)  # it warns of every text that has a mark
RATE = 24_000
SPEEDS = (0.5, 2.0)
"""Range of speeds that the model has; outside of it the finished sound is stretched."""


class KokoroModel:
    """Model file *path* in memory."""

    def __init__(self, path: Path, settings: Settings) -> None:
        session = create_session(path, settings)
        with TemporaryDirectory(prefix="synapse-") as folder:
            # The library insists on a file of voices, which it would keep in memory: ours are read when they are used.
            voices = Path(folder) / "voices.npz"
            np.savez(voices)
            self._kokoro = Kokoro.from_session(session, str(voices))

    def speak(self, text: str, style: Style, speed: float, language: str) -> Waveform:
        """Return *text*, at most a few hundred characters, as speech. Raises BadInputError if it has no phonemes."""
        try:
            phonemes = phonemes_of(text, language)
            samples, rate = self._kokoro.create(phonemes, style, _model_speed(speed), is_phonemes=True)
        except ValueError as error:
            raise BadInputError(f"the text cannot be spoken in {language}: {text[:32]!r}") from error
        return Waveform(samples.astype(np.float32, copy=False), rate)


def phonemes_of(text: str, language: str) -> str:
    """Return the phonemes of *text*, as the library does it, but without the language marks of espeak-ng.

    It marks a foreign word, as in `(en)...(fr)`, and the marks would be spoken. It holds the state of one thread.
    """
    phonemes = phonemize(text, language, preserve_punctuation=True, with_stress=True, language_switch="remove-flags")
    return str(phonemes)


def remaining_tempo(speed: float) -> float:
    """Return how much faster the sound of the model must be played for *speed*."""
    return speed / _model_speed(speed)


def _model_speed(speed: float) -> float:
    return min(max(speed, SPEEDS[0]), SPEEDS[1])
