"""Memory of llama.cpp for one model, in RAM or on a GPU: its cache, the states of its slots, and compute buffers.

Its server has one cache of `--ctx-size` cells for all slots. A layer with a window has as many cells as the slots and
one step need (`llama_kv_cache_iswa`). Flash attention is on by default, so no scores of a whole context are kept.
"""

import math
from dataclasses import dataclass
from typing import Final

from infra.quantities import MI
from infra.sizing.specs.ggml_types import BITS
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec

CELLS: Final = 256
"""Cells of a cache are a multiple of this."""
DRAFT_STATES: Final = 3
"""Copies of a recurrent state while a head of the model drafts tokens."""
STATE_BYTES: Final = 4
"""Bytes of a value of a recurrent state and its convolution: float32."""
CUDA: Final = 600 * MI
"""CUDA's context and the driver beside a model on a GPU."""
ERROR: Final = 512 * MI
"""Distance that a figure of this module may have from that of a log; a plan that leaves less is tight."""


@dataclass(frozen=True, kw_only=True)
class LlamaOptions:
    """Options of llama.cpp's server that decide its memory."""

    context_tokens: int  # of all slots together
    slots: int = 1
    step_tokens: int = 512  # `--ubatch-size`
    key_type: str = "F16"
    value_type: str = "F16"
    whole_windows: bool = False  # layers with a window keep the whole context (`--swa-full`)
    drafts: bool = False  # the model's own head drafts tokens


def cache_bytes(spec: ModelSpec, options: LlamaOptions) -> int:
    """Return the bytes of the cache and of the recurrent states, each in whole MiB, as logs round them."""
    return sum(MI * math.ceil(_group_bytes(group, options, spec) / MI) for group in spec.groups)


def buffer_bytes(spec: ModelSpec, options: LlamaOptions) -> int:
    """Return the bytes of the compute buffers: logits and layers of one step, and the mask of the cache."""
    hidden, inner, vocabulary = spec.widths
    logits, layer = 4 * vocabulary, 4 * (6 * hidden + 2 * inner)
    mask = 6 * _cells(options.context_tokens)  # in float32, and in float16 for flash attention
    return options.step_tokens * (logits + layer + mask)


def _group_bytes(group: LayerGroup, options: LlamaOptions, spec: ModelSpec) -> int:
    if group.kind == "none":
        return 0
    if group.kind == "recurrent":
        copies = options.slots * (DRAFT_STATES if options.drafts and spec.draft_layers else 1)
        return copies * group.layers * (group.convolution + group.state) * STATE_BYTES
    drafts = spec.draft_layers if options.drafts and group.kind in {"full", "latent"} else 0
    return (group.layers + drafts) * _group_cells(group, options) * _cell_bytes(group, options)


def _group_cells(group: LayerGroup, options: LlamaOptions) -> int:
    cells = _cells(options.context_tokens)
    if not group.window or options.whole_windows:
        return cells
    return min(cells, _cells(group.window * options.slots + options.step_tokens))


def _cell_bytes(group: LayerGroup, options: LlamaOptions) -> int:
    if group.kind == "latent":
        return math.ceil(group.latent * BITS[options.key_type] / 8)
    value_size = group.head_size if group.value_size is None else group.value_size
    bits = group.head_size * BITS[options.key_type] + value_size * BITS[options.value_type]
    return math.ceil(group.kv_heads * bits / 8)


def _cells(tokens: int) -> int:
    return CELLS * math.ceil(tokens / CELLS)
