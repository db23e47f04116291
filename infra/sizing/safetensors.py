"""Model spec of a folder of safetensors: its `config.json`, and the size of its weights from the index or a header.

Format: https://huggingface.co/docs/safetensors (eight bytes of length, then as much JSON, then the data).
"""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.errors import ModelFileError
from infra.sizing.model_specs import ModelSpec

MAX_JSON: Final = 100_000_000  # bytes; the format's own limit for a header
INDEX: Final = "model.safetensors.index.json"
_BYTES: Final = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
_ENCODERS: Final = frozenset({"bert", "roberta", "xlm-roberta", "distilbert", "nomic_bert", "modernbert", "mpnet"})
_PATTERNS: Final = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6}
"""Model types whose config may not say that all layers but each n-th have a window."""


def read(folder: Path) -> tuple[ModelSpec, int]:
    """Return the spec of the model in *folder* and the bytes of its weights. Raises ModelFileError or OSError."""
    config = ModelConfig(folder / "config.json")
    stored, parameters = _indexed(folder, config) if (folder / INDEX).is_file() else _single(folder)
    return _model_spec(config, parameters, stored), stored


class ModelConfig:
    """Figures of a `config.json`; those of its text model win. A missing figure is a ModelFileError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = document(path)
        text = whole.get("text_config")
        self._values = {**whole, **text} if isinstance(text, Mapping) else whole
        self.quantised = "quantization_config" in whole

    def get(self, key: str) -> Any:  # noqa: ANN401 - a config holds anything
        return self._values.get(key)

    def figure(self, key: str, default: int | None = None) -> int:
        """Return a positive whole number; *default* where the key is missing or null."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            fault = "missing" if value is None else f"{value!r}, not a positive number"
            raise ModelFileError(f"{self.path}: {key}: {fault}")
        return value


def document(path: Path) -> dict[str, Any]:
    """Return the JSON object in *path*. Raises ModelFileError or OSError."""
    if path.stat().st_size > MAX_JSON:
        raise ModelFileError(f"{path}: larger than {MAX_JSON} bytes")
    return _object(path, path.read_bytes())


def _object(path: Path, content: bytes) -> dict[str, Any]:
    try:
        result = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(result, dict):
        raise ModelFileError(f"{path}: not a JSON object")
    return result


def _indexed(folder: Path, config: ModelConfig) -> tuple[int, int]:
    metadata = document(folder / INDEX).get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(total, bool) or not isinstance(total, int) or total < 1:
        raise ModelFileError(f"{folder / INDEX}: metadata.total_size: {total!r}, not a positive number")
    dtype = config.get("torch_dtype") or config.get("dtype")
    each = _BYTES.get(dtype, 2) if isinstance(dtype, str) else 2
    return total, total // each


def _single(folder: Path) -> tuple[int, int]:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise ModelFileError(
            f"{folder}: {len(files)} safetensors files and no {INDEX}; accepted: the index, or one file"
        )
    return header(files[0])


def header(path: Path) -> tuple[int, int]:
    """Return the bytes and the number of the values in one file. Raises ModelFileError or OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > min(MAX_JSON, size - 8):
            raise ModelFileError(
                f"{path}: truncated or not safetensors: its header continues after the end of the file"
            )
        entries = _object(path, file.read(length))
    tensors = [_tensor(path, name, entry) for name, entry in entries.items() if name != "__metadata__"]
    end = max((end for end, _, _ in tensors), default=0)
    if not end:
        raise ModelFileError(f"{path}: it contains no weights")
    if 8 + length + end > size:
        raise ModelFileError(f"{path}: truncated: its weights end at byte {8 + length + end}, the file at byte {size}")
    return sum(stored for _, stored, _ in tensors), sum(values for _, _, values in tensors)


def _tensor(path: Path, name: str, entry: object) -> tuple[int, int, int]:
    """Return the end of its bytes, their number, and the number of values."""
    match entry:
        case {"shape": [*shape], "data_offsets": [int(first), int(end)]} if 0 <= first <= end:
            if all(isinstance(side, int) and side >= 0 for side in shape):
                return end, end - first, math.prod(shape)
    raise ModelFileError(f"{path}: damaged: tensor {name} has no shape and data_offsets")


def _model_spec(config: ModelConfig, parameters: int, stored: int) -> ModelSpec:
    heads, hidden = config.figure("num_attention_heads"), config.figure("hidden_size")
    layers = config.figure("num_hidden_layers")
    window, sliding = _windows(config, layers)
    return ModelSpec(
        parameters=parameters,
        layers=layers,
        kv_heads=0 if config.get("model_type") in _ENCODERS else config.figure("num_key_value_heads", heads),
        head_size=config.figure("head_dim", hidden // heads or 1),
        context_tokens=config.figure("max_position_embeddings"),
        heads=heads,
        embedding=min(config.figure("vocab_size") * hidden, parameters // 2),  # a quantised model has fewer parameters
        tied=config.get("tie_word_embeddings") is not False,  # the default of transformers
        window=window,
        window_layers=sliding,
        latent=_latent(config),
        stored=stored if config.quantised else None,
    )


def _latent(config: ModelConfig) -> int:
    rank = config.figure("kv_lora_rank", 0)
    return rank + config.figure("qk_rope_head_dim") if rank else 0


def _windows(config: ModelConfig, layers: int) -> tuple[int, int]:
    """Return the window and the number of layers that have it; 0 where the config does not define them."""
    window = config.figure("sliding_window", 0)
    if not window or config.get("use_sliding_window") is False:
        return 0, 0
    if isinstance(types := config.get("layer_types"), list):
        return window, min(types.count("sliding_attention"), layers)
    pattern = config.figure("sliding_window_pattern", _PATTERNS.get(str(config.get("model_type")), 0))
    return (window, layers - layers // pattern) if pattern else (0, 0)
