"""Recurrent state of a layer for one sequence, by the figures of its kind: Mamba 2, gated delta net, short convolution.

The shapes are those of `MambaStateShapeCalculator` in vLLM (vllm/model_executor/layers/mamba/mamba_utils.py).
"""

from dataclasses import dataclass
from typing import Final

from infra.sizing.specs.model_config import ModelConfig

STATE_DTYPES: Final = ("float32", "bfloat16", "float16")
FLOAT32: Final = frozenset({"nemotron_h"})
"""Model types whose state is in float32 where the config names no dtype (vLLM, `NemotronHForCausalLMConfig`)."""


@dataclass(frozen=True, kw_only=True)
class RecurrentState:
    """Values that one layer keeps for a sequence, and the dtype of the recurrent ones; None: that of the cache."""

    convolution: int
    state: int = 0
    state_dtype: str | None = None


def mamba2(config: ModelConfig) -> RecurrentState:
    heads = config.figure("mamba_num_heads", "mamba_n_heads", "n_mamba_heads")
    inner = _inner(config, heads)
    groups, size = config.figure("n_groups", "mamba_n_groups", "mamba_ngroups", default=1), _state_size(config)
    kernel = config.figure("conv_kernel", "mamba_d_conv", default=4)
    return RecurrentState(
        convolution=(kernel - 1) * (inner + 2 * groups * size),
        state=inner * size,
        state_dtype=_dtype(config),
    )


def _inner(config: ModelConfig, heads: int) -> int:
    head_size = config.get("mamba_head_dim", "mamba_d_head", "mamba_headdim")
    if isinstance(head_size, int):
        return heads * head_size
    return config.figure("mamba_d_ssm", default=config.figure("mamba_expand", default=2) * config.figure("hidden_size"))


def _state_size(config: ModelConfig) -> int:
    return config.figure("ssm_state_size", "mamba_d_state")


def gated_delta_net(config: ModelConfig) -> RecurrentState:
    keys = config.figure("linear_num_key_heads") * config.figure("linear_key_head_dim")
    heads, size = config.figure("linear_num_value_heads"), config.figure("linear_value_head_dim")
    kernel = config.figure("linear_conv_kernel_dim", default=4)
    return RecurrentState(
        convolution=(kernel - 1) * (2 * keys + heads * size),
        state=heads * size * config.figure("linear_key_head_dim"),
        state_dtype=_dtype(config),
    )


def short_convolution(config: ModelConfig) -> RecurrentState:
    width = config.figure("conv_dim", default=config.figure("hidden_size"))
    return RecurrentState(convolution=(config.figure("conv_L_cache", default=3) - 1) * width)


def _dtype(config: ModelConfig) -> str | None:
    """Return the dtype of the state that the checkpoint asks for; engines take it over that of the cache."""
    value = config.get("mamba_ssm_dtype", "mamba_ssm_cache_dtype")
    if value is None or value == "auto":
        return "float32" if config.model_type in FLOAT32 else None
    if value not in STATE_DTYPES:
        raise config.error(f"mamba_ssm_dtype: {value!r}; accepted: {', '.join(STATE_DTYPES)}")
    return str(value)


RECURRENT: Final = {
    "nemotron_h": mamba2,
    "granitemoehybrid": mamba2,
    "bamba": mamba2,
    "falcon_h1": mamba2,
    "zamba2": mamba2,
    "qwen3_next": gated_delta_net,
    "qwen3_5_text": gated_delta_net,
    "qwen3_5_moe_text": gated_delta_net,
    "qwen3_5": gated_delta_net,
    "qwen3_5_moe": gated_delta_net,
    "olmo_hybrid": gated_delta_net,
    "lfm2": short_convolution,
    "lfm2_moe": short_convolution,
}
"""By model type."""
