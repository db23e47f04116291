"""Blocks of vLLM's cache by its own code; runs in the engines' environment.

Input: a JSON list of models, each with its layer groups, the figures of its config and the flags of the engine. Output,
after the engine's own lines: a JSON list with the bytes that one request needs, and the requests that fit into a pool.

Three things are not vLLM's: the least block of the kernels (16 tokens in FlashAttention and FlashInfer), the layout of
the cache by layers (the default), and which of its functions for states belongs to a model.
"""

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest import mock

BLOCK = 16
LAYOUT = "LBNHC"
FLOAT32_STATES = frozenset({"nemotron_h"})
"""Model types whose states are in float32 unless their config says another type."""

Figures = Mapping[str, Any]


class Backend:
    """Attention backend that stores keys and values as they are."""

    @staticmethod
    def customize_spec(spec: object) -> object:
        return spec

    @staticmethod
    def get_supported_kernel_block_sizes() -> list[int]:
        return [BLOCK]


def state(case: Figures) -> tuple[Any, Any]:
    """Return the shapes and the dtypes of the state of one layer."""
    utils = import_module("vllm.model_executor.layers.mamba.mamba_utils")
    shapes, dtypes = utils.MambaStateShapeCalculator, utils.MambaStateDtypeCalculator
    config, parallel, drafts = case["config"], case["tensor_parallel"], case["speculative_tokens"]
    model_type, dtype = config["model_type"], dtype_of(case["model_dtype"])
    default = "float32" if model_type in FLOAT32_STATES else "auto"
    state_dtype = config.get("mamba_ssm_dtype") or config.get("mamba_ssm_cache_dtype") or default
    if model_type.startswith("lfm2"):
        shape = shapes.short_conv_state_shape(parallel, config["hidden_size"], config["conv_L_cache"])
        return shape, dtypes.short_conv_state_dtype(dtype, "auto")
    if "linear_num_value_heads" in config:
        names = ("num_key_heads", "num_value_heads", "key_head_dim", "value_head_dim", "conv_kernel_dim")
        shape = shapes.gated_delta_net_state_shape(parallel, *(config[f"linear_{name}"] for name in names), drafts)
        return shape, dtypes.gated_delta_net_state_dtype(dtype, "auto", state_dtype)
    return mamba2(shapes, config, parallel, drafts), dtypes.mamba2_state_dtype(dtype, "auto", state_dtype)


def mamba2(shapes: Any, config: Figures, parallel: int, drafts: int) -> Any:
    names = (
        ("n_groups", "mamba_num_heads", "mamba_head_dim", "ssm_state_size", "conv_kernel")
        if "mamba_num_heads" in config
        else ("mamba_n_groups", "mamba_n_heads", "mamba_d_head", "mamba_d_state", "mamba_d_conv")
    )
    groups, heads, head_size, size, kernel = (config[name] for name in names)
    return shapes.mamba2_state_shape(parallel, heads * head_size, groups, heads, head_size, size, kernel, drafts)


def dtype_of(name: str) -> Any:
    return import_module("vllm.utils.torch_utils").STR_DTYPE_TO_TORCH_DTYPE[name]


def engine(case: Figures) -> Any:
    """Return the parts of vLLM's config that its cache is calculated from."""
    cache = import_module("vllm.config.cache").CacheConfig(block_size=BLOCK)
    cache.kv_cache_layout = LAYOUT
    cache.cache_dtype = case["dtype"]
    cache.mamba_cache_mode = "align" if case["prefix_caching"] else "none"
    whole: Figures = next((group for group in case["groups"] if group["kind"] in {"full", "latent"}), {})
    return SimpleNamespace(
        cache_config=cache,
        model_config=SimpleNamespace(
            max_model_len=case["context_tokens"],
            dtype=dtype_of(case["model_dtype"]),
            architecture="",
            use_mla=whole.get("kind") == "latent",
            get_num_kv_heads=lambda _: kv_heads(whole, case),
            get_head_size=lambda: whole["head_size"] or whole["latent"],
        ),
        parallel_config=SimpleNamespace(decode_context_parallel_size=1, pipeline_parallel_size=1),
        scheduler_config=SimpleNamespace(disable_hybrid_kv_cache_manager=False),
        attention_config=SimpleNamespace(hisparse_config=None),
        speculative_config=None,
        max_in_flight_tokens=2 * case["batched_tokens"],  # `max_concurrent_batches` with asynchronous scheduling
    )


def kv_heads(group: Figures, case: Figures) -> int:
    """Return the KV heads on one GPU, as `ModelConfig.get_num_kv_heads` does."""
    return max(1, int(group["kv_heads"]) // int(case["tensor_parallel"]))


def align(config: Any, case: Figures) -> None:
    """Set the size of a block of attention and of a padded state as the platform does."""
    shapes, dtypes = state(case)
    model = SimpleNamespace(
        get_mamba_state_shape_from_config=lambda _: shapes, get_mamba_state_dtype_from_config=lambda _: dtypes
    )
    registry = import_module("vllm.model_executor.models").ModelRegistry
    platform = import_module("vllm.platforms.interface").Platform
    with (
        mock.patch.object(registry, "resolve_model_cls", return_value=(model, "")),
        mock.patch("vllm.config.vllm.set_current_vllm_config", return_value=contextlib.nullcontext()),
    ):
        platform._align_hybrid_block_size(config, Backend)


def layer(group: Figures, config: Any, case: Figures) -> Any:
    """Return vLLM's description of one layer of a group."""
    specs, cache = import_module("vllm.v1.kv_cache_interface"), config.cache_config
    if group["kind"] == "recurrent":
        shapes, dtypes = state(case)
        mode, padded = cache.mamba_cache_mode, cache.mamba_page_size_padded
        size = cache.mamba_block_size or case["context_tokens"]
        return specs.MambaSpec(
            block_size=size,
            shapes=tuple(shapes),
            dtypes=tuple(dtypes),
            page_size_padded=padded,
            mamba_cache_mode=mode,
            num_speculative_blocks=case["speculative_tokens"],
        )
    plain = case["model_dtype"] if case["dtype"] == "auto" else case["dtype"]
    shared = {"block_size": cache.block_size, "dtype": dtype_of(plain)}
    if group["kind"] == "latent":
        return specs.MLAAttentionSpec(**shared, num_kv_heads=1, head_size=group["latent"])
    shared |= {"num_kv_heads": kv_heads(group, case), "head_size": group["head_size"]}
    match group["kind"]:
        case "sliding":
            return specs.SlidingWindowSpec(**shared, sliding_window=group["window"])
        case "chunked":
            return specs.ChunkedLocalAttentionSpec(**shared, attention_chunk_size=group["window"])
        case _:
            return specs.FullAttentionSpec(**shared, head_size_v=group["value_size"])


def figures(case: Figures) -> dict[str, float]:
    """Return the bytes that one request needs, those of a block, and the requests in a pool of *pool* bytes."""
    utils, config = import_module("vllm.v1.core.kv_cache_utils"), engine(case)
    if any(group["kind"] == "recurrent" for group in case["groups"]):
        align(config, case)
    layers = {
        f"{index}.{number}": layer(group, config, case)
        for index, group in enumerate(case["groups"])
        for number in range(group["layers"])
        if group["kind"] != "none"
    }
    groups = utils.get_kv_cache_groups(config, layers)
    pool = utils.get_kv_cache_config_from_groups(config, groups, case["pool"])
    return {
        "needed": utils._max_memory_usage_bytes_from_groups(config, groups),
        "block": utils._pool_bytes_per_block(groups),
        "contexts": utils.get_max_concurrency_for_kv_cache_config(config, pool),
    }


def main() -> None:
    cases: Sequence[Figures] = json.load(sys.stdin)
    print("\n" + json.dumps([figures(case) for case in cases]))  # noqa: T201


if __name__ == "__main__":
    main()
