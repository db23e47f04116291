"""Audio samples: read, write, join and measure. PCM of 16 bits, as in the gateway's WAV files."""

import io
import math
import random
import sys
import wave
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.errors import WrongAnswerError

RATE: Final = 24_000
LOUDEST: Final = 32_767
SEED: Final = 7


@dataclass(frozen=True, kw_only=True)
class Sound:
    """One channel of *samples*, *rate* of them a second."""

    rate: int
    samples: Sequence[int]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def part(self, start_s: float, end_s: float) -> "Sound":
        return Sound(rate=self.rate, samples=self.samples[int(start_s * self.rate) : int(end_s * self.rate)])

    def loudness(self) -> float:
        """Return the root mean square, in units of a sample."""
        return math.sqrt(sum(sample * sample for sample in self.samples) / max(1, len(self.samples)))

    def wav(self) -> bytes:
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setparams((1, 2, self.rate, 0, "NONE", ""))
            file.writeframes(_little(array("h", self.samples)).tobytes())
        return content.getvalue()


def read(content: bytes) -> Sound:
    """Return the first channel of a WAV file. Raises WrongAnswerError for an unreadable or empty file."""
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise WrongAnswerError(f"no WAV file: {error}; it begins with {content[:16]!r}") from error
    if width != 2 or not data:
        raise WrongAnswerError(f"a WAV file of {len(data)} bytes of sound, {8 * width} bits a sample; 16 bits expected")
    samples = _little(array("h", data[: len(data) - len(data) % (2 * channels)]))
    return Sound(rate=rate, samples=samples[::channels])


def join(*sounds: Sound) -> Sound:
    """Return the sounds one after the other. Raises WrongAnswerError where their rates differ."""
    rates = {sound.rate for sound in sounds}
    if len(rates) != 1:
        raise WrongAnswerError(f"one engine speaks at several rates: {sorted(rates)} samples a second")
    return Sound(rate=rates.pop(), samples=array("h", [sample for sound in sounds for sample in sound.samples]))


def silence(seconds: float, rate: int) -> Sound:
    return Sound(rate=rate, samples=array("h", bytes(2 * int(seconds * rate))))


def tone(seconds: float, rate: int = RATE) -> Sound:
    """Return a sine of 440 Hz."""
    step = 2 * math.pi * 440 / rate
    return Sound(rate=rate, samples=array("h", (int(8000 * math.sin(step * at)) for at in range(int(seconds * rate)))))


def add_noise(sound: Sound, loudness: float) -> Sound:
    """Return *sound* under white noise of *loudness*, the same noise each time."""
    chance = random.Random(SEED)  # noqa: S311 - noise, no secret
    added = (sample + int(chance.gauss(0, loudness)) for sample in sound.samples)
    return Sound(rate=sound.rate, samples=array("h", (max(-LOUDEST, min(LOUDEST, sample)) for sample in added)))


def decibels(louder: float, quieter: float) -> float:
    """Return the ratio in decibels; silence counts as half a unit of a sample."""
    return 20 * math.log10(max(louder, 0.5) / max(quieter, 0.5))


def _little(samples: "array[int]") -> "array[int]":
    """Return *samples* in little-endian order, as WAV files have it."""
    if sys.byteorder == "big":
        samples.byteswap()
    return samples
