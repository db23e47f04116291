"""vLLM's cache: one pool of blocks, from which every kind of layer takes its share.

All blocks have one size, so that each can hold the tokens of any kind of layer. Layers of one kind are split into
groups of equal size, and one block holds the tokens of one group: of a few tokens where a layer keeps much of each, of
more where it keeps less. From vllm/v1/core/kv_cache_utils.py and vllm/v1/kv_cache_interface.py of vLLM 0.31.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.sizing.quantization import DTYPE_BYTES, KV_BYTES
from infra.sizing.specs.layers import LayerGroup

BLOCK: Final = 16
"""Tokens of a block of a layer with attention, the least that its kernels take."""
LATENT_BLOCK: Final = 128
"""The same for latent attention beside a recurrent state."""
NULL_BLOCKS: Final = 1
"""Blocks that vLLM keeps for itself."""
RESERVE_PERCENT: Final = 2
"""Share of a pool that is added, since figures of logs were above those of vLLM's own code."""
PADDED_SHARE: Final = 1.5
"""Up to this many times the layers of the smallest kind, the largest kind decides the size of the groups."""
BATCHES: Final = 2
"""Steps in flight at once, with asynchronous scheduling, the default."""
CONVOLVED: Final = 3
"""Tokens of a convolution's state, of a kernel of 4; all model types with a drafting head have that kernel."""
STATES: Final = {False: 1, True: 2}
"""Blocks of a recurrent state for a sequence, without and with prefix caching (mode `align`)."""


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """Flags of vLLM that decide its cache; dtypes are those of the cache and of the model."""

    context_tokens: int
    batched_tokens: int
    dtype: str
    model_dtype: str = "bfloat16"
    tensor_parallel: int = 1
    prefix_caching: bool = True
    speculative_tokens: int = 0

    @property
    def in_flight(self) -> int:
        """Tokens that are scheduled, and whose blocks a window cannot free yet."""
        return BATCHES * self.batched_tokens


@dataclass(frozen=True, kw_only=True)
class BlockPool:
    """Size of a block in bytes, and the blocks that a sequence of the longest context takes."""

    block_bytes: int
    blocks: int

    def size(self, sequences: int) -> int:
        """Return the bytes of a pool in which *sequences* have their whole context, with a reserve."""
        return self._bytes(sequences * self.blocks)

    def blocks_for(self, sequences: int) -> int:
        """Return the bytes of a pool with one block for each of *sequences*."""
        return self._bytes(sequences)

    def _bytes(self, blocks: int) -> int:
        return self.block_bytes * (NULL_BLOCKS + blocks) * (100 + RESERVE_PERCENT) // 100

    def contexts(self, size: int) -> float:
        """Return how many whole contexts a pool of *size* bytes holds at once."""
        return max(size // self.block_bytes - NULL_BLOCKS, 0) / self.blocks if self.blocks else math.inf


@dataclass(frozen=True, kw_only=True)
class _Pages:
    """Layers of one kind, with the tokens of a block in each, and the bytes of one layer's part of it, its page."""

    group: LayerGroup
    tokens: int
    page: int


def block_pool(groups: Sequence[LayerGroup], options: CacheOptions) -> BlockPool:
    """Return the pool of a model; without blocks for an encoder."""
    kept = [group for group in groups if group.kind != "none"]
    if not kept:
        return BlockPool(block_bytes=0, blocks=0)
    pages = _equal([_pages(group, kept, options) for group in kept])
    size = _group_size([page.group.layers for page in pages])
    blocks = (math.ceil(each.group.layers / size) * _blocks(each, options) for each in pages)
    return BlockPool(block_bytes=size * pages[0].page, blocks=sum(blocks))


def _pages(group: LayerGroup, groups: Sequence[LayerGroup], options: CacheOptions) -> _Pages:
    if group.kind == "recurrent":
        return _Pages(group=group, tokens=0, page=_state_bytes(group, options))
    tokens = _block_tokens(groups, options)
    return _Pages(group=group, tokens=tokens, page=tokens * _token_bytes(group, options))


def _block_tokens(groups: Sequence[LayerGroup], options: CacheOptions) -> int:
    """Return the tokens of a block: enough that a page of attention is not smaller than one of a recurrent state."""
    states = [_state_bytes(group, options) for group in groups if group.kind == "recurrent"]
    whole = [group for group in groups if group.kind in {"full", "latent"}]
    if not states or not whole:
        return BLOCK
    least = LATENT_BLOCK if whole[0].kind == "latent" else BLOCK
    return least * math.ceil(max(states) / (least * _token_bytes(whole[0], options)))


def _equal(pages: Sequence[_Pages]) -> list[_Pages]:
    """Give all the largest page: with more tokens where it is a multiple of theirs, else padded."""
    largest = max(each.page for each in pages)
    return [
        _Pages(
            group=each.group,
            tokens=each.tokens * (largest // each.page if largest % each.page == 0 else 1),
            page=largest,
        )
        for each in pages
    ]


def _group_size(layers: Sequence[int]) -> int:
    return max(layers) if max(layers) < min(layers) * PADDED_SHARE else min(layers)


def _blocks(pages: _Pages, options: CacheOptions) -> int:
    """Return the blocks that one group of layers takes for a sequence of the longest context."""
    context, group = options.context_tokens, pages.group
    match group.kind:
        case "recurrent":
            return STATES[options.prefix_caching] + options.speculative_tokens
        case "sliding":
            return math.ceil(min(group.window - 1 + options.in_flight, context) / pages.tokens) + 1
        case "chunked":
            return math.ceil(min(group.window + options.in_flight, context) / pages.tokens)
        case _:
            return math.ceil(context / pages.tokens)


def _token_bytes(group: LayerGroup, options: CacheOptions) -> int:
    return math.ceil(group.values(options.tensor_parallel) * KV_BYTES[options.dtype])


def _state_bytes(group: LayerGroup, options: CacheOptions) -> int:
    """Return the bytes of one layer's state; drafts of speculative decoding lengthen its convolution."""
    each = DTYPE_BYTES[options.model_dtype]
    convolution = group.convolution * (CONVOLVED + options.speculative_tokens) / CONVOLVED
    recurrent = group.state * (DTYPE_BYTES[group.state_dtype] if group.state_dtype else each)
    return math.ceil((convolution * each + recurrent) / options.tensor_parallel)
