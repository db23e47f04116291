"""Layer groups of a model, from its `config.json`. A model type or a kind of layer that is not known is refused.

The defaults where a config names no layers are those of the model's class in transformers.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from infra.sizing.specs.layers import MAX_LAYERS, LayerGroup, LayerKind
from infra.sizing.specs.model_config import ModelConfig
from infra.sizing.specs.recurrent_state import RECURRENT

KINDS: Final = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "recurrent",
    "mamba": "recurrent",
    "conv": "recurrent",
    "moe": "none",
    "mlp": "none",
    "hybrid": "hybrid",
}
"""Names of layers in a config -> kinds; `hybrid` has attention and a recurrent state."""
PATTERN: Final = {"M": "recurrent", "*": "full", "-": "none", "E": "none"}
"""Letters of Nemotron's `hybrid_override_pattern`."""

DENSE: Final = frozenset(
    {
        "apertus",
        "arcee",
        "cohere",
        "ernie4_5",
        "ernie4_5_moe",
        "exaone",
        "gemma",
        "glm",
        "glm4",
        "glm4_moe",
        "glm4v_moe_text",
        "glm4v_text",
        "gpt_neox",
        "granite",
        "granitemoe",
        "granitemoeshared",
        "hunyuan_v1_dense",
        "hunyuan_v1_moe",
        "internlm2",
        "internlm3",
        "llama",
        "minicpm",
        "minimax_m2",
        "ministral3",
        "mistral3",
        "nemotron",
        "olmo2",
        "olmoe",
        "phi",
        "phimoe",
        "qwen2_5_vl",
        "qwen2_5_vl_text",
        "qwen2_moe",
        "qwen2_vl",
        "qwen2_vl_text",
        "qwen3_moe",
        "qwen3_vl",
        "qwen3_vl_moe",
        "qwen3_vl_moe_text",
        "qwen3_vl_text",
        "seed_oss",
        "smollm3",
        "stablelm",
        "starcoder2",
    }
)
"""Model types of which all layers have full attention."""
WINDOWED: Final = frozenset({"mistral", "mixtral", "phi3", "ministral"})
"""Model types of which all layers have the window that the config names, if any."""
LATE_WINDOWS: Final = frozenset({"qwen2", "qwen3"})
"""Model types of which the layers from `max_window_layers` on have a window, if it is switched on."""
LATENT: Final = frozenset(
    [
        "deepseek_v2",
        "deepseek_v3",
        "glm4_moe_lite",
        "kimi_k2",
        "kimi_k25",
        "longcat_flash",
        "minicpm3",
        "mistral4",
        "youtu",
    ]
)
ENCODERS: Final = frozenset(
    [
        "bert",
        "distilbert",
        "electra",
        "eurobert",
        "jina_bert",
        "modernbert",
        "mpnet",
        "new",
        "nomic_bert",
        "roberta",
        "xlm-roberta",
    ]
)
"""Model types that keep nothing of a sequence."""
PATTERNS: Final = {
    "cohere2": 4,
    "exaone4": 4,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3_text": 6,
    "gemma3n_text": 5,
    "gemma4": 6,
    "gemma4_text": 6,
    "gemma4_unified": 6,
    "gemma4_unified_text": 6,
    "gpt_oss": 2,
    "muse_glimmer": 4,
    "muse_glimmer_text": 4,
    "olmo3": 4,
    "qwen3_5": 4,
    "qwen3_5_moe": 4,
    "qwen3_5_moe_text": 4,
    "qwen3_5_text": 4,
    "qwen3_next": 4,
    "llama4_text": 4,
    "llama4": 4,
}
"""Model types of which each n-th layer has full attention where the config names no layers."""
OTHERS: Final = {"qwen3_5": "recurrent", "qwen3_next": "recurrent", "llama4": "chunked"}
"""Kind of the other layers of a pattern, by the start of the model type; `sliding` where it is none of these."""


PARALLEL: Final = frozenset({"falcon_h1"})
"""Model types of which each layer has attention beside a recurrent state."""
INTERVALS: Final = (
    "full_attention_interval",
    "sliding_window_pattern",
    "_sliding_window_pattern",
    "no_rope_layer_interval",
)
KNOWN: Final = DENSE | WINDOWED | LATE_WINDOWS | frozenset(PATTERNS) | frozenset(RECURRENT)


def layer_groups(config: ModelConfig) -> tuple[LayerGroup, ...]:
    """Return what the layers of a model keep. Raises ModelFileError for a kind that is not known."""
    counts = Counter(_shared(config, _kinds(config)))
    both = counts.pop("hybrid", 0)
    groups = [_unlimited(config, make(config, counts[kind])) for kind, make in MAKERS.items() if counts[kind]]
    if both:
        groups += [_full(config, both), replace(_recurrent(config, both), beside=True)]
    return tuple(groups)


def _unlimited(config: ModelConfig, group: LayerGroup) -> LayerGroup:
    """Return the group as one with full attention where its window is as long as the longest context."""
    longest = config.figure("max_position_embeddings", default=0)
    return replace(group, kind="full", window=0) if longest and group.window >= longest else group


def _kinds(config: ModelConfig) -> list[str]:
    """Return the kind of each layer."""
    layers, model_type = config.figure("num_hidden_layers", "n_layer"), config.model_type
    if layers > MAX_LAYERS:
        raise config.error(f"num_hidden_layers: {layers}, more than {MAX_LAYERS}")
    for model_types, kind in ((ENCODERS, "none"), (LATENT, "latent"), (PARALLEL, "hybrid")):
        if model_type in model_types:
            return layers * [kind]
    if model_type not in KNOWN:
        raise config.error(f"model_type: {model_type!r} is not known, nor what its layers keep of a sequence")
    return _named(config, layers) or _default(config, layers)


def _named(config: ModelConfig, layers: int) -> list[str] | None:
    """Return the kinds of the layers that the config names, or None where it names none."""
    if isinstance(pattern := config.get("hybrid_override_pattern"), str):
        names, kinds = list(pattern), PATTERN
    else:
        names, kinds = config.names("layer_types", "layers_block_type") or [], KINDS
    if unknown := set(names) - set(kinds):
        raise config.error(f"layers of the kind {', '.join(sorted(unknown))} are not known")
    if names and len(names) != layers:
        raise config.error(f"{len(names)} kinds of layers for num_hidden_layers: {layers}")
    return [kinds[name] for name in names] or None


def _default(config: ModelConfig, layers: int) -> list[str]:
    """Return the kinds of the layers where the config names none, as transformers makes them."""
    model_type = config.model_type
    if model_type in PATTERNS:
        every = config.figure(*INTERVALS, default=PATTERNS[model_type])
        other = next((kind for start, kind in OTHERS.items() if model_type.startswith(start)), "sliding")
        return ["full" if (layer + 1) % every == 0 else other for layer in range(layers)]
    first = _first_window(config, layers)
    return ["sliding" if layer >= first else "full" for layer in range(layers)]


def _first_window(config: ModelConfig, layers: int) -> int:
    """Return the first layer with a window; *layers* where there is none."""
    if config.model_type in WINDOWED and config.get("sliding_window"):
        return 0
    if config.model_type in LATE_WINDOWS and config.get("sliding_window") and config.get("use_sliding_window"):
        return config.figure("max_window_layers", default=layers)
    return layers


def _shared(config: ModelConfig, kinds: list[str]) -> list[str]:
    """Return *kinds* without the last layers that use keys and values of earlier ones."""
    shared = config.figure("num_kv_shared_layers", default=0)
    if shared > len(kinds):
        raise config.error(f"num_kv_shared_layers: {shared} of {len(kinds)} layers")
    return kinds[: len(kinds) - shared] + shared * ["none"]


def _full(config: ModelConfig, count: int) -> LayerGroup:
    """Return the layers with full attention; Gemma 4 has heads of their own for them."""
    kv_heads, head_size = _heads(config)
    if config.get("attention_k_eq_v"):
        kv_heads = config.figure("num_global_key_value_heads", default=kv_heads)
    return LayerGroup(
        kind="full", layers=count, kv_heads=kv_heads, head_size=config.figure("global_head_dim", default=head_size)
    )


def _windowed(config: ModelConfig, count: int, kind: LayerKind, *keys: str) -> LayerGroup:
    kv_heads, head_size = _heads(config)
    return LayerGroup(kind=kind, layers=count, kv_heads=kv_heads, head_size=head_size, window=config.figure(*keys))


def _heads(config: ModelConfig) -> tuple[int, int]:
    """Return the KV heads of a layer and the size of one."""
    heads = config.figure("num_attention_heads")
    size = config.figure("head_dim", default=config.figure("hidden_size") // heads or 1)
    return config.figure("num_key_value_heads", default=heads), size


def _latent(config: ModelConfig, count: int) -> LayerGroup:
    latent = config.figure("kv_lora_rank") + config.figure("qk_rope_head_dim")
    return LayerGroup(kind="latent", layers=count, latent=latent)


def _recurrent(config: ModelConfig, count: int) -> LayerGroup:
    if config.model_type not in RECURRENT:
        raise config.error(f"model_type: the state of a recurrent layer of {config.model_type!r} is not known")
    state = RECURRENT[config.model_type](config)
    return LayerGroup(
        kind="recurrent",
        layers=count,
        convolution=state.convolution,
        state=state.state,
        state_dtype=state.state_dtype,
    )


MAKERS: Final[Mapping[str, Callable[[ModelConfig, int], LayerGroup]]] = {
    "full": _full,
    "sliding": lambda config, count: _windowed(config, count, "sliding", "sliding_window"),
    "chunked": lambda config, count: _windowed(config, count, "chunked", "attention_chunk_size"),
    "latent": _latent,
    "recurrent": _recurrent,
    "none": lambda _, count: LayerGroup(kind="none", layers=count),
}
