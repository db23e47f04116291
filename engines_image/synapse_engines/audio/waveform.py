"""One channel of audio samples, as PCM and WAV."""

import io
import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
FULL_SCALE = 32767.0
"""16-bit sample value of 1.0."""
HEADER_BYTES = 44
UNKNOWN_BYTES = 0xFFFFFFFF
"""Length in the header of a WAV whose end is not known yet."""


@dataclass(frozen=True)
class Waveform:
    """Mono audio: *samples* between -1 and 1, at *rate* samples per second."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def between(self, start_s: float, end_s: float) -> "Waveform":
        return Waveform(self.samples[round(start_s * self.rate) : round(end_s * self.rate)], self.rate)

    def followed_by_silence(self, seconds: float) -> "Waveform":
        return Waveform(np.concatenate([self.samples, np.zeros(round(seconds * self.rate), np.float32)]), self.rate)

    def pcm(self) -> bytes:
        """Return the samples as 16-bit little-endian PCM."""
        return (np.clip(self.samples, -1, 1) * FULL_SCALE).astype("<i2").tobytes()

    def wav(self) -> bytes:
        target = io.BytesIO()
        write_wav(target, self.pcm(), self.rate)
        return target.getvalue()


def from_pcm(data: bytes, rate: int) -> Waveform:
    """Return the waveform of 16-bit PCM; an incomplete sample at the end is dropped."""
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    return Waveform(samples.astype(np.float32) / np.float32(FULL_SCALE), rate)


def write_wav(target: io.BytesIO | Path, pcm: bytes, rate: int, channels: int = 1) -> None:
    with wave.open(target if isinstance(target, io.BytesIO) else str(target), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)


def wav_header(rate: int, data_bytes: int = UNKNOWN_BYTES) -> bytes:
    """Return the 44 bytes before *data_bytes* of 16-bit mono samples in a WAV."""
    total = min(data_bytes + HEADER_BYTES - 8, UNKNOWN_BYTES)
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", total, b"WAVE") + layout + struct.pack("<4sI", b"data", data_bytes)


def with_length(header: bytes, data_bytes: int) -> bytes:
    """Return the WAV *header* with the length *data_bytes*."""
    return wav_header(int.from_bytes(header[24:28], "little"), data_bytes)
