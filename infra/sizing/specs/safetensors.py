"""Model spec of safetensors: a `config.json`, and the size of the weights from the index or from a header.

Format: https://huggingface.co/docs/safetensors (eight bytes of length, then as much JSON, then the data).
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.errors import ModelFileError
from infra.sizing.specs import config_spec
from infra.sizing.specs.model_config import MAX_JSON, ModelConfig, document, json_object
from infra.sizing.specs.model_spec import ModelSpec

CONFIG: Final = "config.json"
INDEX: Final = "model.safetensors.index.json"
SINGLE: Final = "model.safetensors"
PREFIX: Final = 8
"""Bytes before the header, which hold its length."""
_BYTES: Final = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
_PACKED: Final = {"awq": 4, "gptq": 4, "mxfp4": 4, "fp8": 8, "bitsandbytes": 4}
"""Bits of a quantised weight by its method, where the config does not say them."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Bytes of the weights, and the number of values in them where a header says it."""

    stored: int
    values: int | None = None


def read(folder: Path) -> tuple[ModelSpec, int]:
    """Return the spec of the model in *folder* and the bytes of its weights. Raises ModelFileError or OSError.

    `config.json` and the index are enough: the files with the weights need not be there.
    """
    config = ModelConfig.read(folder / CONFIG)
    index = folder / INDEX
    size = indexed(str(index), document(index)) if index.is_file() else _single(folder)
    return spec(config, size), size.stored


def spec(config: ModelConfig, size: Size) -> ModelSpec:
    """Return the spec of a model of *size*. Raises ModelFileError."""
    return config_spec.model_spec(config, _parameters(config, size), size.stored)


def indexed(source: str, index: Mapping[str, Any]) -> Size:
    """Return the size that an index of several files says. Raises ModelFileError."""
    metadata = index.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(total, float) and total.is_integer():
        total = int(total)
    if isinstance(total, bool) or not isinstance(total, int) or total < 1:
        raise ModelFileError(f"{source}: metadata.total_size: {total!r}, not a positive number")
    return Size(stored=total)


def _parameters(config: ModelConfig, size: Size) -> int:
    """Return the number of weights; of quantised ones an estimate, which only their stored size is used beside."""
    dtype = config.get("torch_dtype", "dtype")
    plain = _BYTES.get(dtype, 2) if isinstance(dtype, str) else 2
    quantization = config_spec.quantization_config(config)
    if not quantization:
        return size.values or size.stored // plain
    bits = quantization.get("bits", _PACKED.get(str(quantization.get("quant_method")), 4))
    return size.stored * 8 // (bits if isinstance(bits, int) and bits > 0 else 4)


def _single(folder: Path) -> Size:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise ModelFileError(
            f"{folder}: {len(files)} safetensors files and no {INDEX}; accepted: {CONFIG} with the index, or one file"
        )
    return header_size(files[0])


def header_size(path: Path) -> Size:
    """Return the size of the weights in one file. Raises ModelFileError or OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = header_length(str(path), file.read(PREFIX), size)
        return tensors(str(path), file.read(length), size)


def header_length(source: str, start: bytes, size: int) -> int:
    """Return the length of a header by the *start* of a file of *size* bytes. Raises ModelFileError."""
    length = int(struct.unpack("<Q", start)[0]) if len(start) == PREFIX else size
    if length > min(MAX_JSON, size - PREFIX):
        raise ModelFileError(f"{source}: truncated or not safetensors: its header continues after the end of the file")
    return length


def tensors(source: str, header: bytes, size: int) -> Size:
    """Return the size of the weights in the *header* of a file of *size* bytes. Raises ModelFileError."""
    entries = json_object(source, header)
    each = [_tensor(source, name, entry) for name, entry in entries.items() if name != "__metadata__"]
    end = max((end for end, _, _ in each), default=0)
    if not end:
        raise ModelFileError(f"{source}: it contains no weights")
    last = PREFIX + len(header) + end
    if last > size:
        raise ModelFileError(f"{source}: truncated: its weights end at byte {last}, the file at byte {size}")
    return Size(stored=sum(stored for _, stored, _ in each), values=sum(values for _, _, values in each))


def _tensor(source: str, name: str, entry: object) -> tuple[int, int, int]:
    """Return the end of its bytes, their number, and the number of values."""
    match entry:
        case {"shape": [*shape], "data_offsets": [int(first), int(end)]} if 0 <= first <= end:
            if all(isinstance(side, int) and side >= 0 for side in shape):
                return end, end - first, math.prod(shape)
    raise ModelFileError(f"{source}: damaged: tensor {name} has no shape and data_offsets")
