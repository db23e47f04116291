"""Texts, and the voices of Kokoro and Piper that speak them for the benchmark and the tests."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from kokoro_onnx import Kokoro
from piper import PiperVoice

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform

RATE = 16_000
"""Sample rate of the recognizers in Hz."""
LANGUAGES: Mapping[str, str] = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "i": "it", "p": "pt-br"}
"""First letter of a voice -> its language for espeak-ng, which finds the phonemes."""
VOICES = ("af_heart", "am_michael", "bf_emma", "am_onyx", "af_nova", "bm_george")
SENTENCES = (
    "We walked along the river until it was dark.",
    "Please call me back in the morning.",
    "She sells flowers near the old station.",
    "Nobody knew why the lights went out.",
    "My brother plays the violin better than I do.",
    "A small boat came slowly into the harbour.",
)


class Speaker:
    """Kokoro of the folder *models*; a recording that was made once is kept."""

    def __init__(self, models: Path) -> None:
        self._folder = models / "kokoro"
        self._recordings: dict[tuple[str, str], Waveform] = {}

    async def say(self, text: str, voice: str, rate: int = RATE) -> Waveform:
        """Return *text* in *voice*, at *rate* Hz."""
        return await resample(self.recording(text, voice), rate)

    def recording(self, text: str, voice: str) -> Waveform:
        """Return *text* in *voice*, at Kokoro's own rate."""
        if (text, voice) not in self._recordings:
            samples, own_rate = self._kokoro.create(text, self._style(voice), lang=LANGUAGES[voice[0]])
            self._recordings[text, voice] = Waveform(samples.astype(np.float32), own_rate)
        return self._recordings[text, voice]

    def _style(self, voice: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.fromfile(self._folder / f"voices/{voice}.bin", np.float32).reshape(-1, 1, 256)

    @cached_property
    def _kokoro(self) -> Kokoro:
        with TemporaryDirectory() as folder:
            # The library reads a file of voices at its start; each text brings its own voice.
            voices = Path(folder) / "voices.npy"
            np.save(voices, self._style(VOICES[0]))
            return Kokoro(str(min(self._folder.glob("*.onnx"))), str(voices))


class PiperSpeaker:
    """First voice of Piper in the folder *models*."""

    def __init__(self, models: Path) -> None:
        path = min((models / "piper").glob("*.onnx"))
        self.name = path.stem
        self._voice = PiperVoice.load(path)

    async def say(self, text: str, rate: int = RATE) -> Waveform:
        """Return *text* as speech, at *rate* Hz."""
        parts = list(self._voice.synthesize(text))
        samples = np.concatenate([part.audio_float_array for part in parts]).astype(np.float32)
        return await resample(Waveform(samples, parts[0].sample_rate), rate)
