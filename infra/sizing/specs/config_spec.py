"""Model spec of a `config.json`, and of the size of the weights beside it."""

import math
from collections.abc import Mapping
from typing import Any, Final

from infra.sizing.specs.layer_reader import layer_groups
from infra.sizing.specs.model_config import MAX_FIGURE, ModelConfig, shortened
from infra.sizing.specs.model_spec import ModelSpec

MXFP4_BITS: Final = 4.25
PADDED_HIDDEN, PADDED_FEED_FORWARD = 256, 128
"""Multiples to which Marlin's kernels enlarge experts in MXFP4 (vLLM, `marlin_utils_fp4.py`)."""
MAX_FACTOR: Final = 1000
"""By which YaRN may lengthen a context."""
VISION: Final = ("vision_config", "vision_tower", "visual", "vit_config", "img_processor")
DRAFTS: Final = ("mtp_num_hidden_layers", "num_nextn_predict_layers", "mtp_num_layers")
CONTEXT: Final = ("max_position_embeddings", "max_sequence_length", "seq_length", "n_positions", "model_max_length")


def model_spec(config: ModelConfig, parameters: int, stored: int | None) -> ModelSpec:
    """Return the spec of a model with *parameters* weights of *stored* bytes; None where those are not known.

    Raises ModelFileError for a figure that is missing, and for layers that are not known.
    """
    hidden, vocabulary = config.figure("hidden_size", "n_embd", "d_model"), config.figure("vocab_size")
    quantization = quantization_config(config)
    return ModelSpec(
        parameters=parameters,
        groups=layer_groups(config),
        context_tokens=_context(config),
        heads=_heads(config),
        hidden=hidden,
        feed_forward=_feed_forward(config, hidden),
        vocabulary=vocabulary,
        embedding=min(vocabulary * hidden, parameters // 2),  # an index of a quantised model counts fewer
        tied=config.get("tie_word_embeddings") is not False,  # the default of transformers
        quantization=format_name(quantization),
        group_size=_group_size(quantization),
        stored=stored if quantization else None,
        padding=_padding(config, quantization),
        kv_dtype=_kv_dtype(quantization),
        vision=_vision(config),
        draft_layers=config.figure(*DRAFTS, default=0),
    )


def quantization_config(config: ModelConfig) -> Mapping[str, Any]:
    """Return what the config says about the format of its weights; empty where it says nothing."""
    value = config.get("quantization_config", "compression_config")
    return value if isinstance(value, Mapping) else {}


def format_name(quantization: Mapping[str, Any]) -> str | None:
    """Return the format of the weights as engines name it, such as `fp8`, `awq`, `modelopt NVFP4`."""
    method = quantization.get("quant_method")
    detail = quantization.get("quant_algo") or quantization.get("format")
    return " ".join(str(part) for part in (method, detail) if part) or None


def _vision(config: ModelConfig) -> int:
    """Return the parameters of the layers of the image encoder, at least 1 where there is one; 0 without."""
    encoder = next((value for key in VISION if (value := config.whole.get(key))), None)
    if not encoder:
        return 0
    figures = encoder if isinstance(encoder, Mapping) else {}
    layers, hidden = figures.get("depth", figures.get("num_hidden_layers")), figures.get("hidden_size")
    inner = figures.get("intermediate_size")
    if not (isinstance(layers, int) and isinstance(hidden, int) and isinstance(inner, int)):
        return 1
    return max(layers * (4 * hidden * hidden + 2 * hidden * inner), 1)


def _context(config: ModelConfig) -> int:
    """Return the longest context: that of the positions, times the factor of YaRN where the config has one."""
    positions = config.figure(*CONTEXT)
    scaling = config.get("rope_scaling", "rope_parameters")
    if not isinstance(scaling, Mapping) or scaling.get("rope_type", scaling.get("type")) != "yarn":
        return positions
    factor, original = scaling.get("factor"), scaling.get("original_max_position_embeddings")
    if not isinstance(factor, int | float) or not isinstance(original, int):
        return positions
    if not 0 < factor <= MAX_FACTOR or not 0 < original <= MAX_FIGURE:
        raise config.error(f"rope_scaling: a factor of {shortened(factor)} for {shortened(original)} positions")
    return max(positions, int(original * factor))


def _heads(config: ModelConfig) -> int | None:
    return config.figure("num_attention_heads", "n_head", default=0) or None


def _feed_forward(config: ModelConfig, hidden: int) -> int:
    """Return the values of a token in the widest layer; each active expert has its own, and its own output."""
    dense = config.figure("intermediate_size", "ffn_dim", "n_inner", default=4 * hidden)
    active = config.figure("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_top_k", default=0)
    each = config.figure("moe_intermediate_size", "expert_dim", default=dense)
    return max(dense, active * (each + hidden // 3))


def _group_size(quantization: Mapping[str, Any]) -> int:
    sizes = [size for size in _named(quantization, "group_size") if isinstance(size, int) and size > 0]
    return min(sizes, default=128)


def _padding(config: ModelConfig, quantization: Mapping[str, Any]) -> int:
    """Return the bytes that kernels add to experts in MXFP4, whose sides they round up."""
    if quantization.get("quant_method") != "mxfp4":
        return 0
    hidden = config.figure("hidden_size")
    inner = config.figure("moe_intermediate_size", "intermediate_size")
    wider = _round_up(hidden, PADDED_HIDDEN) * _round_up(inner, PADDED_FEED_FORWARD) - hidden * inner
    experts = config.figure("num_local_experts", "num_experts") * config.figure("num_hidden_layers")
    return math.ceil(3 * wider * experts * MXFP4_BITS / 8)


def _round_up(size: int, multiple: int) -> int:
    return math.ceil(size / multiple) * multiple


def _kv_dtype(quantization: Mapping[str, Any]) -> str | None:
    """Return `fp8` where the checkpoint has scales for a cache of 8 bits, `nvfp4` for one of 4."""
    scheme = quantization.get("kv_cache_scheme") or quantization.get("kv_cache_quant_algo")
    if isinstance(scheme, Mapping):
        bits = scheme.get("num_bits")
        return {8: "fp8", 4: "nvfp4"}.get(bits) if isinstance(bits, int) else None
    return {"FP8": "fp8", "NVFP4": "nvfp4"}.get(str(scheme).upper())


def _named(value: object, key: str) -> list[object]:
    """Return the values of *key* at any depth."""
    values, result = [value], []
    while values:
        each = values.pop()
        if isinstance(each, Mapping):
            values += each.values()
            result += [each[key]] if key in each else []
    return result
