"""One channel of sound, and how it is written down."""

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
FULL = 32767.0
"""The sample of 16 bits that 1.0 is."""


@dataclass(frozen=True)
class Sound:
    """*samples* between -1 and 1, *rate* of them a second."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def between(self, start_s: float, end_s: float) -> "Sound":
        return Sound(self.samples[round(start_s * self.rate) : round(end_s * self.rate)], self.rate)

    def pcm(self) -> bytes:
        """16 bits, little endian."""
        return (np.clip(self.samples, -1, 1) * FULL).astype("<i2").tobytes()

    def wav(self) -> bytes:
        target = io.BytesIO()
        write_wav(target, self.pcm(), self.rate)
        return target.getvalue()


def of_pcm(data: bytes, rate: int) -> Sound:
    """The sound of 16-bit samples; half a sample at the end is left out."""
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    return Sound(samples.astype(np.float32) / np.float32(FULL), rate)


def write_wav(target: io.BytesIO | Path, pcm: bytes, rate: int, channels: int = 1) -> None:
    with wave.open(target if isinstance(target, io.BytesIO) else str(target), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
