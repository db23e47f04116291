"""Cost of the cache of a model, for a token and for a sequence, as vLLM stores it on one GPU."""

import math
from dataclasses import dataclass

from infra.sizing.engines import vllm_memory
from infra.sizing.quantization import DTYPE_BYTES, KV_BYTES
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import EngineOptions

DTYPE = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class CacheCost:
    """Bytes of a cache; 0 where the model keeps nothing of the kind."""

    dtype: str
    token: int  # each further token, in layers that keep all of them
    window_token: int  # each further token up to a window, in layers that have one
    state: int  # the recurrent state of a sequence, of any length
    sequence: int  # a sequence of the longest context, in whole blocks


def cache_cost(spec: ModelSpec) -> CacheCost:
    """Return the cost in the dtype that the checkpoint asks for, else in that of the weights."""
    dtype, sizes = spec.kv_dtype or DTYPE, KV_BYTES[spec.kv_dtype or DTYPE]
    options = EngineOptions(context_tokens=spec.context_tokens, sequences=1)
    pool = vllm_memory.cache_pool(spec, options, vllm_memory.batched_tokens(options, 0))
    return CacheCost(
        dtype=dtype,
        token=_tokens(spec, sizes, windows=False),
        window_token=_tokens(spec, sizes, windows=True),
        state=sum(group.layers * _state(group) for group in spec.groups if group.kind == "recurrent"),
        sequence=pool.size(1) if pool.blocks else 0,
    )


def _tokens(spec: ModelSpec, size: float, *, windows: bool) -> int:
    groups = [
        group for group in spec.groups if bool(group.window) == windows and group.kind not in {"recurrent", "none"}
    ]
    return math.ceil(sum(group.layers * group.values() for group in groups) * size)


def _state(group: LayerGroup) -> int:
    dtype = group.state_dtype or DTYPE
    return group.convolution * DTYPE_BYTES[DTYPE] + group.state * DTYPE_BYTES[dtype]
