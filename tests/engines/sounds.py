"""Recordings to send, and looking at those that come back."""

import io
import wave
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.sound import Sound
from synapse_engines.measuring.material import VOICES, said

Wave = NDArray[np.float32]
NOT_AUDIO = b"<html>this is no recording</html>" * 50
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


async def speech(text: str, voice: str = "f2", speed: float = 1.0) -> Sound:
    return await said(text, VOICES[voice], speed)


def one_after_another(sounds: Sequence[Sound], pause_s: float = 0.6) -> Sound:
    """*sounds* of one rate, with quiet between them."""
    rate = sounds[0].rate
    quiet = np.zeros(round(pause_s * rate), np.float32)
    return Sound(np.concatenate([part for sound in sounds for part in (sound.samples, quiet)]), rate)


def read(data: bytes) -> Sound:
    """The first channel of a WAV file of 16 bits."""
    with wave.open(io.BytesIO(data)) as file:
        assert file.getsampwidth() == 2
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return Sound(frames[:, 0].astype(np.float32) / np.float32(32768), file.getframerate())


def upload(sound: Sound | bytes, name: str = "talk.wav", field: str = "file") -> dict[str, tuple[str, bytes, str]]:
    data = sound if isinstance(sound, bytes) else sound.wav()
    return {field: (name, data, "audio/wav")}
