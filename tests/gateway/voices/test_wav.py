"""Length of a WAV file, independent of wrong headers, and refusal of other files."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_gateway.api.voices.wav import WaveFormat, inspect
from synapse_gateway.errors import BadRequestError
from tests.gateway.sounds import chunk, extensible, form, riff, wav

SECOND = bytes(16000)


def inspected(data: bytes) -> WaveFormat:
    return inspect(lambda offset, size: data[offset : offset + size], len(data))


def test_rate_channels_bits_and_length_are_read() -> None:
    wave = inspected(riff(form(channels=2, rate=48000, bits=24), chunk(b"data", bytes(48000 * 6))))
    assert wave == WaveFormat(rate_hz=48000, channels=2, bits=24, duration_s=1.0)


@pytest.mark.parametrize(
    ("fmt", "seconds"),
    [
        (form(), 1.0),
        (form(number=3, bits=32), 0.5),
        (form(number=6, bits=8), 2.0),
        (form(number=7, bits=8), 2.0),
        (extensible(1), 1.0),
        (extensible(3, bits=32), 0.5),
    ],
)
def test_every_format_with_frames_of_one_size_is_read(fmt: bytes, seconds: float) -> None:
    assert inspected(riff(fmt, chunk(b"data", SECOND))).duration_s == seconds


def test_chunks_of_odd_length_are_padded() -> None:
    assert inspected(riff(chunk(b"LIST", b"odd"), form(), chunk(b"data", SECOND))).duration_s == 1.0


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0x7FFFFFFF, 20000])
def test_the_length_is_limited_to_the_bytes_in_the_file(claimed: int) -> None:
    data = riff(form(), chunk(b"data", SECOND, length=claimed), length=claimed)
    assert inspected(data).duration_s == 1.0


def test_a_length_in_the_header_that_is_too_small_is_used() -> None:
    assert inspected(riff(form(), chunk(b"data", SECOND, length=8000))).duration_s == 0.5


def test_a_truncated_file_lasts_as_long_as_its_bytes() -> None:
    assert inspected(wav(2.0)[: 44 + 16000]).duration_s == 1.0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin"),
        (wav()[:43], "does not begin"),
        (b"RIFX" + wav()[4:], "does not begin"),
        (b"ID3\x04" + bytes(100), "does not begin"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" + bytes(50), "does not begin"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(100), "does not begin"),
        (riff(form()) + bytes(20), "incomplete"),
        (riff(chunk(b"data", SECOND), form()), "incomplete"),
        (riff(chunk(b"fmt ", bytes(15)), chunk(b"data", SECOND)), "format is incomplete"),
        (riff(*[chunk(b"JUNK", b"")] * 300, form(), chunk(b"data", SECOND)), "incomplete"),
        (riff(form(number=0x55, bits=0), chunk(b"data", SECOND)), "neither PCM"),
        (riff(form(number=2, bits=4), chunk(b"data", SECOND)), "neither PCM"),
        (riff(extensible(0x55), chunk(b"data", SECOND)), "neither PCM"),
        (riff(form(number=0xFFFE), chunk(b"data", SECOND)), "neither PCM"),
        (riff(form(channels=0), chunk(b"data", SECOND)), "contradicts"),
        (riff(form(channels=33), chunk(b"data", SECOND)), "contradicts"),
        (riff(form(rate=0), chunk(b"data", SECOND)), "contradicts"),
        (riff(form(rate=400_000), chunk(b"data", SECOND)), "contradicts"),
        (riff(form(frame=4), chunk(b"data", SECOND)), "contradicts"),
        (riff(form(), chunk(b"data", b"\x00")), "no audio"),
    ],
)
def test_other_files_are_refused_with_a_reason(data: bytes, says: str) -> None:
    with pytest.raises(BadRequestError, match=says) as refused:
        inspected(data)
    assert refused.value.code == "not_wav"


@given(st.binary(max_size=400), st.sampled_from([b"", b"RIFF\x00\x00\x00\x00WAVE", wav(0.001), wav(0.001)[:36]]))
def test_arbitrary_bytes_are_read_or_refused(data: bytes, head: bytes) -> None:
    with suppress(BadRequestError):
        assert inspected(head + data).duration_s > 0
