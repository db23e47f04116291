"""Layer groups of a GGUF file, from the figures of its architecture.

The keys are those of `Keys` in gguf-py (ggml-org/llama.cpp, gguf-py/gguf/constants.py). Which layers have a window or a
state follows llama.cpp's `load_arch_hparams` of the architecture.
"""

from collections import Counter
from dataclasses import replace
from typing import Final

from infra.errors import ModelFileError
from infra.sizing.specs.gguf import Header, Value
from infra.sizing.specs.layers import MAX_LAYERS, LayerGroup, LayerKind

DENSE: Final = frozenset(
    [
        "apertus",
        "arcee",
        "baichuan",
        "bailingmoe",
        "bailingmoe2",
        "bert",
        "command-r",
        "deepseek",
        "deepseek2",
        "dots1",
        "ernie4_5",
        "ernie4_5-moe",
        "exaone",
        "gemma",
        "gemma-embedding",
        "glm4",
        "glm4moe",
        "granite",
        "granitemoe",
        "grok",
        "hunyuan-dense",
        "hunyuan-moe",
        "internlm2",
        "jina-bert-v2",
        "llama",
        "minicpm",
        "minicpm3",
        "minimax-m2",
        "mistral3",
        "mistral4",
        "modern-bert",
        "nemotron",
        "nomic-bert",
        "nomic-bert-moe",
        "olmo",
        "olmo2",
        "olmoe",
        "phi2",
        "phi3",
        "phimoe",
        "qwen2",
        "qwen2moe",
        "qwen2vl",
        "qwen3",
        "qwen3moe",
        "qwen3vl",
        "qwen3vlmoe",
        "seed_oss",
        "smollm3",
        "stablelm",
        "starcoder2",
    ]
)
"""Architectures of which all layers keep the same, for all tokens."""
PATTERNS: Final = {
    "cohere2": 4,
    "exaone4": 4,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "gemma4": 6,
    "gpt-oss": 2,
    "llama4": 4,
    "muse-glimmer": 4,
    "olmo2": 4,
}
"""Architectures of which each n-th layer has full attention and the others a window, where the file does not say it.

llama.cpp reads a window for these alone: those of phi3 have the whole context there, whatever their file says.
"""
CHUNKS: Final = {"llama4": 8192}
"""Architectures with chunks in place of windows, and their size, which no key changes."""
WINDOWS: Final = {"gemma2": 4096, "exaone4": 4096}
"""Windows where the file does not say them."""
WINDOWED_LAYERS: Final = {"exaone4": 64}
"""Architectures of which only the model with this many layers has windows."""
OWN_CACHE: Final = {"gemma3n": 20}
"""Architectures of which the layers from this one on use keys and values of earlier ones."""
HYBRID: Final = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4}
"""Architectures of which each n-th layer has attention and the others a recurrent state."""
BY_HEADS: Final = frozenset(["granitehybrid", "jamba", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "plamo2"])
"""Architectures of which the layers without KV heads have a recurrent state."""
BOTH: Final = frozenset({"falcon-h1"})
"""Architectures of which each layer has attention beside a recurrent state."""
CONVOLUTIONS: Final = frozenset({"lfm2", "lfm2moe"})
FEED_FORWARD: Final = frozenset({"nemotron_h", "nemotron_h_moe"})
"""Architectures with layers that keep nothing: those with a feed-forward part of their own and no heads."""
ARCHITECTURES: Final = DENSE | set(PATTERNS) | set(HYBRID) | BY_HEADS | BOTH


class Figures:
    """Figures of one architecture; a missing or invalid one is a ModelFileError."""

    def __init__(self, header: Header) -> None:
        self.source = header.source
        self._metadata = header.metadata
        self.architecture = str(header.metadata.get("general.architecture"))

    def get(self, key: str) -> Value:
        return self._metadata.get(f"{self.architecture}.{key}")

    def figure(self, key: str, default: int | None = None) -> int:
        """Return a positive number; the largest where there is one for each layer."""
        value = self.get(key)
        if isinstance(value, list):
            value = max(value, default=0)
        if default is not None and (value is None or value == 0):
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            fault = "missing" if value is None else f"{value!r}, not a positive number"
            raise self.error(f"{self.architecture}.{key}: {fault}")
        return value

    def each(self, key: str, layers: int, default: int | None = None) -> list[int]:
        """Return the figure of each layer, which may be 0. Raises ModelFileError for a list of another length."""
        value = self.get(key)
        if not isinstance(value, list):
            return [self.figure(key, default)] * layers
        if len(value) < layers or not all(isinstance(item, int) for item in value):
            raise self.error(f"{self.architecture}.{key}: {len(value)} values for {layers} layers")
        return [int(item) for item in value[:layers]]

    def error(self, fault: str) -> ModelFileError:
        return ModelFileError(f"{self.source}: {fault}")


def layer_groups(figures: Figures) -> tuple[LayerGroup, ...]:
    """Return what the layers of a model keep. Raises ModelFileError for an architecture that is not known."""
    if figures.architecture not in ARCHITECTURES:
        raise figures.error(
            f"general.architecture: {figures.architecture!r} is not known, nor what its layers keep of a sequence"
        )
    layers = figures.figure("block_count") - figures.figure("nextn_predict_layers", 0)
    if not 1 <= layers <= MAX_LAYERS:
        raise figures.error(f"{figures.architecture}.block_count: {layers} layers; accepted: 1 to {MAX_LAYERS}")
    if figures.get("attention.causal") is False:
        return (LayerGroup(kind="none", layers=layers),)
    counts = Counter(_layer(figures, layers))
    groups = [replace(group, layers=count) for group, count in counts.items()]
    if figures.architecture in BOTH:
        groups.append(replace(_recurrent(figures), layers=layers, beside=True))
    return tuple(groups)


def _layer(figures: Figures, layers: int) -> list[LayerGroup]:
    """Return the group of each layer, as if it were one of one."""
    heads = figures.each("attention.head_count_kv", layers, figures.figure("attention.head_count"))
    windows = _windows(figures, layers)
    attention = _attention_layers(figures, layers, heads)
    shared = OWN_CACHE.get(figures.architecture, layers - figures.figure("attention.shared_kv_layers", 0))
    return [
        LayerGroup(kind="none", layers=1)
        if number >= shared
        else _attention(figures, heads[number], windows[number])
        if attention[number]
        else _without_attention(figures, number, layers)
        for number in range(layers)
    ]


def _attention_layers(figures: Figures, layers: int, heads: list[int]) -> list[bool]:
    every = HYBRID.get(figures.architecture)
    if every is not None and isinstance(figures.get("attention.recurrent_layers"), list):
        return [not flag for flag in figures.each("attention.recurrent_layers", layers)]
    if every is None or isinstance(figures.get("attention.head_count_kv"), list):
        return [bool(count) for count in heads]
    every = figures.figure("full_attention_interval", every)
    return [(number + 1) % every == 0 for number in range(layers)]


def _windows(figures: Figures, layers: int) -> list[int]:
    """Return the window of each layer; 0 for one without."""
    window, pattern = _window(figures, layers), figures.get("attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return [window if number < len(pattern) and pattern[number] else 0 for number in range(layers)]
    every = pattern if isinstance(pattern, int) else PATTERNS.get(figures.architecture, 1)
    return [0 if every > 0 and (number + 1) % every == 0 else window for number in range(layers)]


def _window(figures: Figures, layers: int) -> int:
    """Return the window of the layers that have one; 0 where none has."""
    name, window = figures.architecture, figures.get("attention.sliding_window")
    if name not in PATTERNS or window == 0 or WINDOWED_LAYERS.get(name, layers) != layers:
        return 0
    return CHUNKS.get(name) or figures.figure("attention.sliding_window", WINDOWS.get(name, 0))


def _attention(figures: Figures, kv_heads: int, window: int) -> LayerGroup:
    if latent := _latent(figures):
        return LayerGroup(kind="latent", layers=1, latent=latent)
    key, value = _head_sizes(figures, "_swa" if window else "")
    kind: LayerKind = "chunked" if window and figures.architecture in CHUNKS else "sliding" if window else "full"
    return LayerGroup(
        kind=kind, layers=1, kv_heads=kv_heads, head_size=key, value_size=None if key == value else value, window=window
    )


def _head_sizes(figures: Figures, suffix: str) -> tuple[int, int]:
    """Return the values of a key and of a value; layers with a window may have sizes of their own."""
    default = figures.figure("embedding_length") // figures.figure("attention.head_count") or 1
    key, value = (figures.figure(f"attention.{name}_length", default) for name in ("key", "value"))
    if not suffix:
        return key, value
    return figures.figure(f"attention.key_length{suffix}", key), figures.figure(
        f"attention.value_length{suffix}", value
    )


def _latent(figures: Figures) -> int:
    """Return the values of a latent cache; 0 where the file was made for a cache of whole keys and values."""
    if not (figures.get("attention.key_length_mla") and figures.get("attention.value_length_mla")):
        return 0
    return figures.figure("attention.kv_lora_rank") + figures.figure("rope.dimension_count")


def _without_attention(figures: Figures, number: int, layers: int) -> LayerGroup:
    if figures.architecture in FEED_FORWARD and figures.each("feed_forward_length", layers, 0)[number]:
        return LayerGroup(kind="none", layers=1)
    return _recurrent(figures)


def _recurrent(figures: Figures) -> LayerGroup:
    """Return a layer with the state of llama.cpp's `n_embd_r` and `n_embd_s`, which are in float32."""
    if figures.architecture in CONVOLUTIONS:
        width = figures.figure("embedding_length")
        return LayerGroup(kind="recurrent", layers=1, convolution=(figures.figure("shortconv.l_cache") - 1) * width)
    inner, size = figures.figure("ssm.inner_size"), figures.figure("ssm.state_size")
    width = inner + 2 * figures.figure("ssm.group_count", 1) * size
    return LayerGroup(
        kind="recurrent",
        layers=1,
        convolution=(figures.figure("ssm.conv_kernel") - 1) * width,
        state=inner * size,
        state_dtype="float32",
    )
