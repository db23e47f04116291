"""GPU memory of vLLM 0.31, by the parts that its start takes one after the other."""

import math
from dataclasses import replace
from typing import Final

from infra.quantities import GI, MI
from infra.sizing.engines import activations
from infra.sizing.engines.vllm_cache import BlockPool, CacheOptions, block_pool
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import EngineOptions, Vram
from infra.sizing.weights import weights

BATCHED_TOKENS: Final = ((160 * GI, 16_384), (70 * GI, 8192), (40 * GI, 4096), (0, 2048))
"""Least memory of a card -> tokens of one step where the stack file names none, and the flag that is written.

Those of `EngineArgs.get_batch_defaults`, but for cards of 40 GiB, which have room for more than its 2048.
"""
SEQUENCES: Final = ((70 * GI, 1024), (0, 256))
"""Least memory of a card -> sequences by default (`EngineArgs.get_batch_defaults`)."""
GRAPHS: Final = GI // 4
GRAPH: Final = 16 * MI
"""CUDA graphs, and each size of a batch that is captured: 1.03 GiB for 51 sizes."""
RECURRENT_GRAPH: Final = 63 * MI
"""The same for each recurrent layer, on each GPU: a bound between starts that failed and starts that did not.

No log has the figure. With graphs a Qwen3.8-27B in NVFP4 ran out of memory on an RTX 5090, while a Qwen3.6-27B and a
Qwen3.6-35B-A3B, with smaller weights and longer contexts, run there (vllm-project/recipes).
"""
CAPTURED: Final = 512
ENCODER_BYTES: Final = 2
"""Bytes of a parameter of an image encoder, which quantisers leave alone."""
ERROR: Final = GI
"""Distance that a figure of this module may have from that of a log; a plan that leaves less is tight."""


def vram(spec: ModelSpec, options: EngineOptions, gpu_memory: int) -> Vram:
    """Return the memory on each GPU of *gpu_memory* bytes. Raises KeyError for an unknown dtype."""
    batched = batched_tokens(options, gpu_memory)
    pool = cache_pool(spec, options, batched)
    cache = cache_bytes(pool, spec, options, batched)
    return Vram(
        weights=_weights(spec, options),
        kv_cache=cache,
        activations=activations.activations(spec, options, batched),
        graphs=0 if options.eager else graphs(spec, options),
        workspace=activations.WORKSPACE,
        communication=activations.communication(options),
        adapters=activations.adapters(spec, options),
        context=activations.CONTEXT,
        contexts=pool.contexts(cache),
    )


def _weights(spec: ModelSpec, options: EngineOptions) -> int:
    """Return the weights on one GPU, with those of a draft model, and without an image encoder that is not loaded."""
    own = weights(spec, options.dtype, options.tensor_parallel, options.quantization)
    drafts = options.speculation.weights if options.speculation else 0
    images = 0 if options.vision else ENCODER_BYTES * spec.vision
    return own + math.ceil((drafts - images) / options.tensor_parallel)


def batched_tokens(options: EngineOptions, gpu_memory: int) -> int:
    """Return the tokens of one step: those of the options, or the engine's default for the card."""
    if options.batched_tokens:
        return options.batched_tokens
    default = next(tokens for memory, tokens in BATCHED_TOKENS if gpu_memory >= memory)
    return max(default, options.context_tokens) if options.pooling else default


def default_sequences(gpu_memory: int) -> int:
    """Return the sequences of an engine whose command line names none."""
    return next(sequences for memory, sequences in SEQUENCES if gpu_memory >= memory)


def cache_pool(spec: ModelSpec, options: EngineOptions, batched: int) -> BlockPool:
    """Return the blocks of one whole context."""
    speculation = options.speculation
    dtype = (spec.kv_dtype or options.dtype) if options.kv_dtype == "auto" else options.kv_dtype
    return block_pool(
        _with_drafts(spec.groups, speculation.layers if speculation else 0),
        CacheOptions(
            context_tokens=options.context_tokens,
            batched_tokens=batched,
            dtype=dtype,
            model_dtype=options.dtype,
            tensor_parallel=options.tensor_parallel,
            prefix_caching=options.prefix_caching,
            speculative_tokens=speculation.tokens if speculation else 0,
        ),
    )


def cache_bytes(pool: BlockPool, spec: ModelSpec, options: EngineOptions, batched: int) -> int:
    """Return the bytes of the cache: of whole contexts, or of the tokens that all sequences share.

    CUDA graphs of layers with a recurrent state need one block for each sequence (`max_num_seqs exceeds available Mamba
    cache blocks`).
    """
    if options.cache_tokens is None:
        return pool.size(options.sequences)
    shared = cache_pool(spec, replace(options, context_tokens=options.cache_tokens), batched)
    needs_blocks = not options.eager and _recurrent_layers(spec)
    return max(pool.size(1), shared.size(1), pool.blocks_for(options.sequences) if needs_blocks else 0)


def graphs(spec: ModelSpec, options: EngineOptions) -> int:
    """Return the bytes of the CUDA graphs on one GPU."""
    recurrent = _recurrent_layers(spec)
    plain = GRAPHS + GRAPH * _captured_sizes(options.sequences)
    return max(plain, recurrent * RECURRENT_GRAPH)


def _recurrent_layers(spec: ModelSpec) -> int:
    return sum(group.layers for group in spec.groups if group.kind == "recurrent")


def profile_bytes(spec: ModelSpec, options: EngineOptions, gpu_memory: int) -> int:
    """Return the bytes of the cache with which the engine measures its graphs, outside of its share of the card.

    It has one block for each sequence (`_init_minimal_kv_cache_for_profiling`), and blocks are large where layers have
    a recurrent state: 256 sequences of a Qwen3.8-27B take 12.25 GiB, in 16 tensors of 784 MiB, whatever the share is. A
    cache of fixed size (`--kv-cache-memory-bytes`) makes the run unnecessary.
    """
    pool = cache_pool(spec, options, batched_tokens(options, gpu_memory))
    return min(options.sequences, CAPTURED) * pool.block_bytes


def _captured_sizes(sequences: int) -> int:
    """Return how many sizes of a batch are captured: 1, 2, 4, each 8th up to 256, each 16th up to 512."""
    largest = min(2 * sequences, CAPTURED)
    return 3 + min(largest, 256) // 8 + max(largest - 256, 0) // 16


def _with_drafts(groups: tuple[LayerGroup, ...], layers: int) -> tuple[LayerGroup, ...]:
    """Return *groups* with the *layers* of a drafting head, which have full attention as the model's own."""
    whole = next((group for group in groups if group.kind in {"full", "latent"}), None)
    if not layers or whole is None:
        return groups
    return tuple(replace(each, layers=each.layers + layers) if each is whole else each for each in groups)
