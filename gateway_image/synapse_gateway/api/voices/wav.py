"""Length of a WAV file, from its RIFF header alone.

Sizes in the header are not trusted: an interrupted recorder, or one that wrote to a pipe, leaves wrong ones. Layout:
"Multimedia Programming Interface and Data Specifications 1.0" and Microsoft's WAVEFORMATEXTENSIBLE.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from synapse_gateway.errors import BadRequestError

MIN_BYTES = 44
"""Size of a header without audio."""
MAX_CHUNKS = 256
EXTENSIBLE = 0xFFFE
SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""End of the GUID of every format with a number; its first two bytes are the number."""
FORMATS = {1: (8, 16, 24, 32), 3: (32, 64), 6: (8,), 7: (8,)}
"""Bits per sample of PCM, IEEE float, A-law and mu-law, the formats with frames of one size."""
MAX_CHANNELS = 32
RATES_HZ = range(1_000, 384_001)
ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveFormat:
    """Format and length of a WAV file."""

    rate_hz: int
    channels: int
    bits: int
    duration_s: float


def inspect(read_at: ReadAt, size: int) -> WaveFormat:
    """Return the format of the file that *read_at* reads, by offset and size. Raises BadRequestError (`not_wav`)."""
    head = read_at(0, 12)
    if size < MIN_BYTES or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise _not_wav("it does not begin with a RIFF header")
    wave: tuple[int, int, int] | None = None
    for name, offset, length in _chunks(read_at, size):
        if name == b"fmt ":
            wave = _format(read_at(offset, min(length, 40)))
        elif name == b"data":
            if wave is None:
                break
            return _wave_format(*wave, length)
    raise _not_wav("its header is incomplete")


def _chunks(read_at: ReadAt, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset and length of each chunk; the length is limited to the bytes in the file."""
    offset = 12
    for _ in range(MAX_CHUNKS):
        head = read_at(offset, 8)
        if len(head) < 8:
            return
        name, announced = struct.unpack("<4sI", head)
        offset += 8
        length = min(announced, size - offset)
        yield name, offset, length
        offset += length + length % 2  # chunks begin at even offsets


def _format(data: bytes) -> tuple[int, int, int]:
    """Return channels, sample rate and bits per sample."""
    if len(data) < 16:
        raise _not_wav("its format is incomplete")
    number, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", data)
    if number == EXTENSIBLE and data[26:40] == SUBFORMAT_TAIL:
        number = int.from_bytes(data[24:26], "little")
    if bits not in FORMATS.get(number, ()):
        raise _not_wav("its samples are neither PCM, float, A-law nor mu-law")
    if not 0 < channels <= MAX_CHANNELS or rate not in RATES_HZ or frame != channels * bits // 8:
        raise _not_wav("its format contradicts itself")
    return channels, rate, bits


def _wave_format(channels: int, rate_hz: int, bits: int, length: int) -> WaveFormat:
    frames = length // (channels * bits // 8)
    if frames == 0:
        raise _not_wav("it has no audio")
    return WaveFormat(rate_hz=rate_hz, channels=channels, bits=bits, duration_s=frames / rate_hz)


def _not_wav(reason: str) -> BadRequestError:
    return BadRequestError(f"the file is not a WAV file that can be used: {reason}", code="not_wav")
