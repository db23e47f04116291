"""Recordings to upload, and a reader of WAV responses."""

import io
import wave
from collections.abc import Sequence

import numpy as np

from synapse_engines.audio.waveform import Waveform

NOT_AUDIO = b"<html>this is no recording</html>" * 50
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def concatenate(waveforms: Sequence[Waveform], pause_s: float = 0.6) -> Waveform:
    """Join *waveforms* of one sample rate, with a pause after each."""
    rate = waveforms[0].rate
    silence = np.zeros(round(pause_s * rate), np.float32)
    return Waveform(np.concatenate([part for waveform in waveforms for part in (waveform.samples, silence)]), rate)


def read_wav(data: bytes) -> Waveform:
    """Return the first channel of a 16-bit WAV file."""
    with wave.open(io.BytesIO(data)) as file:
        assert file.getsampwidth() == 2
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return Waveform(frames[:, 0].astype(np.float32) / np.float32(32768), file.getframerate())


def upload(
    waveform: Waveform | bytes, name: str = "talk.wav", field: str = "file"
) -> dict[str, tuple[str, bytes, str]]:
    data = waveform if isinstance(waveform, bytes) else waveform.wav()
    return {field: (name, data, "audio/wav")}
