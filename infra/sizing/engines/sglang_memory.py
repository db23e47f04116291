"""GPU memory of SGLang 0.5, by the parts that its start takes one after the other.

Its cache is one number of tokens for all sequences, in pages. Layers with a window store a fixed share of all tokens
(`--swa-full-tokens-ratio`), which is counted as all of them.
"""

import math
from typing import Final

from infra.quantities import GI
from infra.sizing.engines import activations
from infra.sizing.quantization import DTYPE_BYTES, KV_BYTES
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import EngineOptions, Vram
from infra.sizing.weights import weights

PAGE: Final = 64
"""Tokens of the largest page of its attention backends; one page more is for padding."""
STATES: Final = 5
"""Recurrent states for each running request (`_calculate_mamba_ratio`), at most."""
BATCHED_TOKENS: Final = ((70 * GI, 8192), (40 * GI, 4096), (0, 2048))
"""Least memory of a card -> tokens of one step of a prompt where the stack file names none."""
GRAPHS: Final = 3 * GI // 2
"""CUDA graphs: an upper bound for batches of up to 160 sequences."""
ERROR: Final = GI
"""Distance that a figure of this module may have from that of a log; a plan that leaves less is tight."""


def vram(spec: ModelSpec, options: EngineOptions, gpu_memory: int) -> Vram:
    """Return the memory on each GPU of *gpu_memory* bytes. Raises KeyError for an unknown dtype."""
    tokens, drafts = total_tokens(options), options.speculation
    cache = (tokens + PAGE) * _token_bytes(spec, options) + _states(spec, options)
    return Vram(
        weights=weights(spec, options.dtype, options.tensor_parallel, options.quantization)
        + math.ceil((drafts.weights if drafts else 0) / options.tensor_parallel),
        kv_cache=cache,
        activations=activations.activations(spec, options, batched_tokens(options, gpu_memory)),
        graphs=0 if options.eager else GRAPHS,
        workspace=activations.WORKSPACE,
        communication=activations.communication(options),
        adapters=activations.adapters(spec, options),
        context=activations.CONTEXT,
        contexts=tokens / _whole(options.context_tokens),
    )


def total_tokens(options: EngineOptions) -> int:
    """Return the tokens of the cache for all sequences together, in whole pages."""
    if options.cache_tokens is None:
        return options.sequences * _whole(options.context_tokens)
    return _whole(max(options.cache_tokens, options.context_tokens))


def batched_tokens(options: EngineOptions, gpu_memory: int) -> int:
    """Return the tokens of one step of a prompt."""
    return options.batched_tokens or next(tokens for memory, tokens in BATCHED_TOKENS if gpu_memory >= memory)


def _whole(tokens: int) -> int:
    return PAGE * math.ceil(tokens / PAGE)


def _token_bytes(spec: ModelSpec, options: EngineOptions) -> int:
    """Return the bytes of a token in all layers, on one GPU; a drafting head keeps what the model's layers keep."""
    dtype = (spec.kv_dtype or options.dtype) if options.kv_dtype == "auto" else options.kv_dtype
    kept = [group for group in spec.groups if group.kind not in {"recurrent", "none"}]
    drafts = options.speculation.layers if options.speculation else 0
    values = sum(group.layers * group.values(options.tensor_parallel) for group in kept)
    values += drafts * max((group.values(options.tensor_parallel) for group in kept), default=0)
    return math.ceil(values * KV_BYTES[dtype])


def _states(spec: ModelSpec, options: EngineOptions) -> int:
    count = 1 + STATES * options.sequences
    return sum(count * _state_bytes(group, options) for group in spec.groups if group.kind == "recurrent")


def _state_bytes(group: LayerGroup, options: EngineOptions) -> int:
    plain = DTYPE_BYTES[options.dtype]
    state = group.state * DTYPE_BYTES[group.state_dtype or "float32"]
    return math.ceil(group.layers * (group.convolution * plain + state) / options.tensor_parallel)
