"""Audio samples: read, write and measure."""

import io
import math
import wave

import pytest

from ops.errors import WrongAnswerError
from ops.smoke import sounds
from ops.smoke.sounds import Sound


def wav(channels: int = 1, width: int = 2, frames: bytes = bytes(8)) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((channels, width, 8000, 0, "NONE", ""))
        file.writeframes(frames)
    return content.getvalue()


def test_a_written_sound_is_read_back() -> None:
    tone = sounds.tone(0.1)
    assert sounds.read(tone.wav()) == tone
    assert (tone.seconds, tone.rate) == (0.1, 24_000)


def test_the_first_of_two_channels_is_read() -> None:
    assert list(sounds.read(wav(channels=2, frames=b"\x01\x00\x02\x00\x03\x00\x04\x00")).samples) == [1, 3]


def test_a_file_without_a_length_is_read_to_its_end() -> None:
    """ffmpeg writes so into a pipe."""
    content = bytearray(sounds.tone(0.1).wav())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    assert sounds.read(bytes(content)).seconds == 0.1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no WAV file"),
        (b"ID3\x04" + bytes(60), "it begins with b'ID3"),
        (wav(width=1), "8 bits a sample; 16 bits expected"),
        (wav(frames=b""), "0 bytes of sound"),
    ],
)
def test_an_invalid_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(WrongAnswerError, match=message):
        sounds.read(content)


def test_loudness_is_the_root_mean_square() -> None:
    assert Sound(rate=1, samples=[3, -4, 0, 0]).loudness() == 2.5
    assert sounds.tone(1).loudness() == pytest.approx(8000 / math.sqrt(2), rel=0.01)
    assert sounds.silence(1, 8000).loudness() == Sound(rate=1, samples=[]).loudness() == 0


def test_noise_has_the_given_loudness_and_is_always_the_same() -> None:
    quiet = sounds.silence(1, 8000)
    noise = sounds.add_noise(quiet, 400)
    assert noise.loudness() == pytest.approx(400, rel=0.05)
    assert noise == sounds.add_noise(quiet, 400)
    assert max(sounds.add_noise(Sound(rate=1, samples=[32_767] * 99), 400).samples) == 32_767


def test_decibels_are_defined_for_silence() -> None:
    assert sounds.decibels(1000, 100) == pytest.approx(20)
    assert sounds.decibels(0, 0) == 0
