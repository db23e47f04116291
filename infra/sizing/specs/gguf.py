"""Header of a GGUF file: the metadata of the model and the positions of its weights, which are not read.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian). A header contains
counts of what follows, so each count is checked against the bytes that are left in the file.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from infra.errors import ModelFileError
from infra.sizing.specs.ggml_types import TYPES

MAGIC: Final = b"GGUF"
MAX_HEADER: Final = 64 * 2**20  # bytes; a vocabulary of 260 thousand tokens uses a third of it
MAX_KEPT: Final = 4096  # longer arrays and texts are skipped: none of them is a figure
MAX_DIMENSIONS: Final = 4
Value = bool | int | float | str | list[bool | int | float] | None

_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor: its name, its number of values, its bytes, and their offset after the header."""

    name: str
    values: int
    size: int
    offset: int


class Reader:
    """Reader of one file's header from front to back; every fault is a ModelFileError that names the file."""

    def __init__(self, file: BinaryIO, source: str, size: int) -> None:
        self.source = source
        self._file, self._end = file, min(size, MAX_HEADER)

    @property
    def position(self) -> int:
        return self._file.tell()

    def fail(self, fault: str) -> NoReturn:
        raise ModelFileError(f"{self.source}: {fault}")

    def take(self, length: int) -> bytes:
        """Return the next *length* bytes."""
        if length > self._end - self.position:
            self.fail("truncated: its header continues after the end of the file")
        return self._file.read(length)

    def scalar(self, kind: str) -> int | float | bool:
        """Read one number, by its letter in `struct`."""
        (value,) = struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))
        result: int | float | bool = value
        return result

    def count(self, kind: str, each: int) -> int:
        """Read the number of entries that follow, each of at least *each* bytes."""
        number = int(self.scalar(kind))
        if number * each > self._end - self.position:
            self.fail(f"truncated or damaged: it announces {number} entries, and the file is too short for them")
        return number

    def text(self) -> str | None:
        """Read a string; return None for one that is too long for a name."""
        length = self.count("Q", 1)
        if length > MAX_KEPT:
            self.skip(length)
            return None
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            self.fail("damaged: a text in its header is not UTF-8")

    def name(self) -> str:
        """Read a name."""
        return self.text() or self.fail("damaged: a name in its header is empty or too long")

    def value(self, kind: int) -> Value:
        """Read one metadata value of the type *kind*; return None for a value that is skipped."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            self.fail(f"damaged: {kind} is not a type of a metadata value")
        return self.scalar(_SCALARS[kind])

    def skip(self, length: int) -> None:
        """Skip *length* bytes, which the file is known to have."""
        self._file.seek(length, 1)

    def _array(self) -> Value:
        kind = int(self.scalar("I"))
        if kind == _STRING:
            for _ in range(self.count("Q", 8)):
                self.skip(self.count("Q", 1))
            return None
        if kind not in _SCALARS:
            self.fail(f"damaged: an array cannot hold values of type {kind}")
        size = struct.calcsize(f"<{_SCALARS[kind]}")
        count = self.count("Q", size)
        if count > MAX_KEPT:
            self.skip(count * size)
            return None
        return [self.scalar(_SCALARS[kind]) for _ in range(count)]


@dataclass(frozen=True, kw_only=True)
class Header:
    """Metadata of a model by key, and its tensors."""

    source: str  # its path or address
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]


def read(path: Path) -> Header:
    """Return the header of the file at *path*, checked against its size. Raises ModelFileError or OSError."""
    with path.open("rb") as file:
        return parse(file, str(path), path.stat().st_size)


def parse(file: BinaryIO, source: str, size: int) -> Header:
    """Return the header at the beginning of *file*, checked against the *size* of the whole. Raises ModelFileError."""
    reader = Reader(file, source, size)
    header = _header(reader)
    start = _aligned(reader.position, header.metadata.get("general.alignment"), reader)
    last = max((tensor.offset + tensor.size for tensor in header.tensors), default=0)
    if last and start + last > size:
        reader.fail(f"truncated: its weights end at byte {start + last}, the file at byte {size}")
    if isinstance(parts := header.metadata.get("split.count"), int) and parts > 1:
        reader.fail(f"one of {parts} parts of a model; merge them with llama-gguf-split --merge")
    return header


def _header(reader: Reader) -> Header:
    if reader.take(len(MAGIC)) != MAGIC:
        reader.fail("not a GGUF file: it does not start with GGUF")
    version = int(reader.scalar("I"))
    if version not in {2, 3}:
        big = " (written big-endian)" if version and version % 65_536 == 0 else ""
        reader.fail(f"GGUF version {version}{big}; versions 2 and 3 can be read")
    tensors, pairs = reader.count("Q", 24), reader.count("Q", 13)
    metadata = {reader.name(): reader.value(int(reader.scalar("I"))) for _ in range(pairs)}
    return Header(source=reader.source, metadata=metadata, tensors=tuple(_tensor(reader) for _ in range(tensors)))


def _tensor(reader: Reader) -> Tensor:
    name = reader.name()
    rank = int(reader.scalar("I"))
    if rank > MAX_DIMENSIONS:
        reader.fail(f"damaged: tensor {name} has {rank} dimensions")
    shape = [int(reader.scalar("Q")) for _ in range(rank)]
    kind = TYPES.get(number := int(reader.scalar("I")))
    if kind is None:
        reader.fail(f"tensor {name} has the unknown type {number}")
    values = math.prod(shape)
    if (shape[0] if shape else 1) % kind.block:
        reader.fail(f"damaged: the rows of tensor {name} are not whole blocks of {kind.block} values")
    return Tensor(name=name, values=values, size=values // kind.block * kind.size, offset=int(reader.scalar("Q")))


def _aligned(position: int, alignment: Value, reader: Reader) -> int:
    step = 32 if alignment is None else alignment
    if not isinstance(step, int) or step < 1:
        reader.fail(f"damaged: an alignment of {step}")
    return -(-position // step) * step
