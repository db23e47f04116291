"""Model spec of a GGUF file: the figures of its architecture from the header, and the size of its weights.

The keys are those of `Keys` in gguf-py (ggml-org/llama.cpp, gguf-py/gguf/constants.py).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.errors import ModelFileError
from infra.sizing import gguf
from infra.sizing.gguf import Header, Tensor, Value
from infra.sizing.model_specs import ModelSpec

_PATTERNS: Final = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2}
"""Architectures whose files do not say that all layers but each n-th have a window (llama.cpp, `set_swa_pattern`)."""


class Figures:
    """Figures of one architecture; a missing or invalid one is a ModelFileError."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self.architecture = str(header.metadata.get("general.architecture"))

    def get(self, key: str) -> Value:
        return self._header.metadata.get(f"{self.architecture}.{key}")

    def figure(self, key: str, default: int | None = None) -> int:
        """Return a positive number; the largest where there is one for each layer."""
        value = self.get(key)
        if isinstance(value, list):
            value = max(value, default=0)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            fault = "missing" if value is None else f"{value!r}, not a positive number"
            raise ModelFileError(f"{self._header.path}: {self.architecture}.{key}: {fault}")
        return value


def read(path: Path) -> tuple[ModelSpec, int]:
    """Return the spec of the model in *path* and the bytes of its weights. Raises ModelFileError or OSError."""
    header = gguf.read(path)
    stored = sum(tensor.size for tensor in header.tensors)
    if not stored:
        raise ModelFileError(f"{path}: it contains no weights, only a vocabulary")
    return _model_spec(Figures(header), {tensor.name: tensor for tensor in header.tensors}, stored), stored


def _model_spec(figures: Figures, tensors: Mapping[str, Tensor], stored: int) -> ModelSpec:
    heads, layers = figures.figure("attention.head_count"), figures.figure("block_count")
    head_size = figures.figure("attention.key_length", figures.figure("embedding_length") // heads or 1)
    window, sliding = _windows(figures, layers)
    embedding = tensors.get("token_embd.weight")
    causal = figures.get("attention.causal") is not False
    return ModelSpec(
        parameters=sum(tensor.values for tensor in tensors.values()),
        layers=layers,
        kv_heads=figures.figure("attention.head_count_kv", heads) if causal else 0,
        head_size=math.ceil((head_size + figures.figure("attention.value_length", head_size)) / 2),
        context_tokens=figures.figure("context_length"),
        heads=heads,
        embedding=embedding.values if embedding else None,
        tied="output.weight" not in tensors,
        window=window,
        window_layers=sliding,
        latent=_latent(figures),
        stored=stored,
    )


def _latent(figures: Figures) -> int:
    """Return the values of a latent cache; 0 where the file was made for a cache of whole keys and values."""
    if figures.get("attention.key_length_mla") is None:
        return 0
    return figures.figure("attention.kv_lora_rank") + figures.figure("rope.dimension_count")


def _windows(figures: Figures, layers: int) -> tuple[int, int]:
    """Return the window and the number of layers that have it; 0 unless the file or its architecture defines them."""
    pattern = figures.get("attention.sliding_window_pattern") or _PATTERNS.get(figures.architecture)
    window = figures.figure("attention.sliding_window", 0) if pattern else 0
    if not window:
        return 0, 0
    if isinstance(pattern, list):
        return window, min(sum(map(bool, pattern)), layers)
    return window, layers - layers // pattern if isinstance(pattern, int) and pattern > 0 else 0
