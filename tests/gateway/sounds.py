"""WAV files of silence, of any length and format."""

import struct

SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, data: bytes, length: int | None = None) -> bytes:
    """Return one chunk, padded to an even length; *length* overrides the length in its head."""
    announced = len(data) if length is None else length
    return name + struct.pack("<I", announced) + data + bytes(len(data) % 2)


def form(
    number: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, frame: int | None = None, tail: bytes = b""
) -> bytes:
    """Return the chunk with the sample format."""
    size = channels * bits // 8 if frame is None else frame
    return chunk(b"fmt ", struct.pack("<HHIIHH", number, channels, rate, rate * size, size, bits) + tail)


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    data = b"WAVE" + b"".join(chunks)
    return chunk(b"RIFF", data, length)


def wav(seconds: float = 6.0, rate: int = 8000, fill: int = 0) -> bytes:
    """Return a mono file of 16-bit PCM; *fill* is the value of every byte."""
    return riff(form(rate=rate), chunk(b"data", bytes([fill]) * (int(seconds * rate) * 2)))


def extensible(number: int, bits: int = 16) -> bytes:
    """Return the chunk of a format that is named by a GUID."""
    guid = struct.pack("<H", number) + SUBFORMAT_TAIL
    return form(number=0xFFFE, bits=bits, tail=struct.pack("<HHI", 22, bits, 0) + guid)
