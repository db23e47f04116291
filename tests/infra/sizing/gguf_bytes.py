"""Small GGUF files for tests: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LLAMA: dict[str, object] = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.context_length": 4096,
    "llama.embedding_length": 512,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["<s>", "a"],
    "tokenizer.ggml.scores": [0.0] * 5000,
}


@dataclass(frozen=True)
class Shape:
    """A tensor of a file: name, dimensions, and number of its type."""

    name: str
    sides: tuple[int, ...]
    kind: int = 1


TENSORS = (
    Shape("token_embd.weight", (512, 100), 12),  # Q4_K: 200 blocks of 144 bytes
    Shape("blk.0.attn_norm.weight", (512,), 0),  # F32
    Shape("output.weight", (512, 100), 14),  # Q6_K: 200 blocks of 210 bytes
)
STORED = 200 * 144 + 512 * 4 + 200 * 210


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def encoded(content: object) -> bytes:
    """Return the type of a metadata value and the value itself, as bytes."""
    match content:
        case bool():
            return struct.pack("<I?", 7, content)
        case int():
            return struct.pack("<II", 4, content)
        case float():
            return struct.pack("<If", 6, content)
        case str():
            return struct.pack("<I", 8) + text(content)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(content)) + b"".join(text(str(item)) for item in content)
        case [first, *_]:
            kind = struct.unpack("<I", encoded(first)[:4])[0]
            return struct.pack("<IIQ", 9, kind, len(content)) + b"".join(encoded(item)[4:] for item in content)
    raise TypeError(content)


def header(metadata: Mapping[str, object], tensors: Sequence[Shape], version: int = 3) -> bytes:
    """Return everything before the weights; the offset of every tensor is 0."""
    pairs = b"".join(text(key) + encoded(content) for key, content in metadata.items())
    infos = b"".join(
        text(tensor.name) + struct.pack(f"<I{len(tensor.sides)}QIQ", len(tensor.sides), *tensor.sides, tensor.kind, 0)
        for tensor in tensors
    )
    return b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata)) + pairs + infos


def whole(
    metadata: Mapping[str, object] = LLAMA, tensors: Sequence[Shape] = TENSORS, weights: int = 200 * 210 + 32
) -> bytes:
    """Return a file with *weights* bytes of weights, all zero."""
    return header(metadata, tensors) + bytes(weights)
