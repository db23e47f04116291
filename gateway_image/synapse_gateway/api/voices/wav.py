"""How long a WAV file lasts, from its RIFF header alone.

Sizes in the header are not trusted: a recorder that was cut off, or that wrote to a pipe, leaves wrong ones. Layout:
"Multimedia Programming Interface and Data Specifications 1.0" and Microsoft's WAVEFORMATEXTENSIBLE.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from synapse_gateway.errors import BadRequestError

LEAST_BYTES = 44
"""A header and nothing else."""
MOST_CHUNKS = 256
EXTENSIBLE = 0xFFFE
SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the format's number in the GUID of every format that has a number."""
FORMATS = {1: (8, 16, 24, 32), 3: (32, 64), 6: (8,), 7: (8,)}
"""PCM, IEEE float, A-law and mu-law, each with its bits a sample: formats whose frames are all of one size."""
MOST_CHANNELS = 32
RATES_HZ = range(1_000, 384_001)
ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """What a WAV file holds."""

    rate_hz: int
    channels: int
    bits: int
    duration_s: float


def inspect(read_at: ReadAt, size: int) -> Wave:
    """What the file holds whose bytes *read_at* gives by offset and size. Raises BadRequestError (`not_wav`)."""
    head = read_at(0, 12)
    if size < LEAST_BYTES or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise _refused("it does not begin as one")
    wave: tuple[int, int, int] | None = None
    for name, offset, length in _chunks(read_at, size):
        if name == b"fmt ":
            wave = _format(read_at(offset, min(length, 40)))
        elif name == b"data":
            if wave is None:
                break
            return _measured(*wave, length)
    raise _refused("its header is incomplete")


def _chunks(read_at: ReadAt, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and length of each chunk; the length is what is there, whatever the header says."""
    offset = 12
    for _ in range(MOST_CHUNKS):
        head = read_at(offset, 8)
        if len(head) < 8:
            return
        name, announced = struct.unpack("<4sI", head)
        offset += 8
        length = min(announced, size - offset)
        yield name, offset, length
        offset += length + length % 2  # chunks begin at even offsets


def _format(data: bytes) -> tuple[int, int, int]:
    """Channels, rate and bits of a sample."""
    if len(data) < 16:
        raise _refused("its format is incomplete")
    number, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", data)
    if number == EXTENSIBLE and data[26:40] == SUBFORMAT_TAIL:
        number = int.from_bytes(data[24:26], "little")
    if bits not in FORMATS.get(number, ()):
        raise _refused("its samples are neither PCM, float, A-law nor mu-law")
    if not 0 < channels <= MOST_CHANNELS or rate not in RATES_HZ or frame != channels * bits // 8:
        raise _refused("its format contradicts itself")
    return channels, rate, bits


def _measured(channels: int, rate_hz: int, bits: int, length: int) -> Wave:
    frames = length // (channels * bits // 8)
    if frames == 0:
        raise _refused("it holds no sound")
    return Wave(rate_hz=rate_hz, channels=channels, bits=bits, duration_s=frames / rate_hz)


def _refused(why: str) -> BadRequestError:
    return BadRequestError(f"the file is not a WAV file that can be used: {why}", code="not_wav")
