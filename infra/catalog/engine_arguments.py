"""Arguments of the GPU engines that a stack file may add, and the values that their pinned releases accept.

vLLM 0.31: `QuantizationMethods` of `vllm/model_executor/layers/quantization/__init__.py`, `CacheDType` of
`vllm/config/cache.py`. SGLang 0.5: `QUANTIZATION_CHOICES` of `sglang/srt/server_args.py`. A test compares both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from infra.catalog.parser_names import EngineName
from infra.quantities import GI

_SHARED: Final = frozenset({"awq", "fp8", "gptq", "modelopt", "modelopt_fp4", "mxfp4", "mxfp8", "compressed-tensors"})


@dataclass(frozen=True, kw_only=True)
class EngineValues:
    """Values that one release accepts for the format of the weights and the dtype of the cache."""

    quantizations: frozenset[str]
    kv_dtypes: frozenset[str]  # those whose size is known
    unloadable: tuple[str, ...] = ()  # published formats that it cannot load, by the start of their names


ENGINES: Final[Mapping[EngineName, EngineValues]] = {
    "vllm": EngineValues(
        quantizations=_SHARED
        | {
            "auto_awq",
            "fbgemm_fp8",
            "fp_quant",
            "modelopt_mxfp8",
            "modelopt_mixed",
            "auto_gptq",
            "humming",
            "experts_int8",
            "quark",
            "moe_wna16",
            "torchao",
            "inc",
            "gpt_oss_mxfp4",
            "fp8_per_tensor",
            "fp8_per_block",
            "fp8_per_channel",
            "int8_per_channel_weight_only",
            "nvfp4_per_token",
        },
        kv_dtypes=frozenset(
            {
                "auto",
                "float16",
                "bfloat16",
                "fp8",
                "fp8_e4m3",
                "fp8_e5m2",
                "int4_per_token_head",
                "int8_per_token_head",
                "fp8_per_token_head",
                "nvfp4",
            }
        ),
        unloadable=("bitsandbytes", "gguf"),
    ),
    "sglang": EngineValues(
        quantizations=_SHARED
        | {
            "bitsandbytes",
            "modelopt_fp8",
            "nvfp4_online",
            "modelopt_mixed",
            "petit_nvfp4",
            "w8a8_int8",
            "w8a8_fp8",
            "moe_wna16",
            "w4afp8",
            "auto-round",
            "auto-round-int8",
            "quark",
            "humming",
        },
        kv_dtypes=frozenset({"auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "nvfp4"}),
    ),
}
UNPROVEN: Final = ""
"""In place of a key, for a flag that changes memory in a way that the proof does not calculate."""
_BOTH: Final = {
    "host": "",
    "port": "",
    "dtype": "dtype",
    "kv-cache-dtype": "kvDtype",
    "quantization": "quantization",
    "tensor-parallel-size": "tensorParallel",
    "tp": "tensorParallel",
    "pipeline-parallel-size": UNPROVEN,
    "pp-size": UNPROVEN,
    "data-parallel-size": UNPROVEN,
    "dp-size": UNPROVEN,
    "enable-lora": "adapters",
    "max-lora-rank": "adapterRank",
    "trust-remote-code": "trustRemoteCode",
    "tool-call-parser": "toolCallParser",
    "reasoning-parser": "reasoningParser",
    "config": UNPROVEN,
}
VLLM_KEYS: Final[Mapping[str, str]] = _BOTH | {
    "model": "model",
    "q": "quantization",
    "max-model-len": "contextTokens",
    "max-num-seqs": "sequences",
    "max-num-batched-tokens": "batchedTokens",
    "kv-cache-memory-bytes": "cacheTokens",
    "gpu-memory-utilization": "cacheTokens",
    "num-gpu-blocks-override": "cacheTokens",
    "block-size": UNPROVEN,
    "mamba-block-size": UNPROVEN,
    "mamba-cache-dtype": UNPROVEN,
    "mamba-ssm-cache-dtype": UNPROVEN,
    "enforce-eager": "eager",
    "enable-prefix-caching": "prefixCaching",
    "speculative-config": "speculative",
    "lora-modules": "adapters",
    "max-loras": "adapters",
    "enable-auto-tool-choice": "toolCallParser",
    "chat-template": "chatTemplate",
    "enable-sleep-mode": "sleep",
    "language-model-only": "textOnly",
    "runner": "task",
    "task": "task",
}
SGLANG_KEYS: Final[Mapping[str, str]] = _BOTH | {
    "model": "model",
    "model-path": "model",
    "tp-size": "tensorParallel",
    "context-length": "contextTokens",
    "max-running-requests": "sequences",
    "max-total-tokens": "cacheTokens",
    "mem-fraction-static": "cacheTokens",
    "chunked-prefill-size": "batchedTokens",
    "cuda-graph-backend-decode": "eager",
    "cuda-graph-backend-prefill": "eager",
    "disable-cuda-graph": "eager",
    "disable-radix-cache": "prefixCaching",
    "speculative-algorithm": "speculative",
    "speculative-draft-model-path": "speculative",
    "lora-paths": "adapters",
    "max-loras-per-batch": "adapters",
    "max-mamba-cache-size": UNPROVEN,
}
"""Flags that follow from options -> the key of a service to use instead."""
HOST_MEMORY: Final = {"cpu-offload-gb": "offloaded weights", "kv-offloading-size": "offloaded cache"}
"""Flags of vLLM with GiB of RAM -> a name for the message."""
IMAGE_CACHE: Final = "mm-processor-cache-gb"
_OVERRIDES: Final = frozenset({"hf-overrides", "json-model-override-args"})
_POSITIONS: Final = ("rope_", "max_position_embeddings")
"""Keys of a config, by their beginnings, that say how far positions reach."""


def errors(arguments: Sequence[str], keys: Mapping[str, str]) -> Iterator[str]:
    """Yield `arguments: got ...; accepted: ...` for each flag that an option decides, or that is not proved."""
    for flag in _flags(arguments):
        plain = flag.removeprefix("no-") if flag.removeprefix("no-") in keys else flag
        plain = plain.partition(".")[0] if plain.partition(".")[0] in keys else plain
        if plain not in keys:
            continue
        use = f"the key {keys[plain]} of the service" if keys[plain] else "left out; the proof does not calculate it"
        yield f"arguments: got --{flag}; accepted: {use}"


def parallel_errors(heads: int, kv_heads: int, tensor_parallel: int) -> Iterator[str]:
    """Yield `tensorParallel: got ...` where GPUs cannot share the heads of a model evenly (0: not known, or none)."""
    if not _shares_evenly(heads, kv_heads, tensor_parallel):
        accepted = (str(gpus) for gpus in range(1, 17) if _shares_evenly(heads, kv_heads, gpus))
        yield (
            f"tensorParallel: got {tensor_parallel}, which does not divide the model's {heads} query heads and "
            f"{kv_heads} KV heads; accepted: {', '.join(accepted)}"
        )


def _shares_evenly(heads: int, kv_heads: int, gpus: int) -> bool:
    """Return True where each GPU has as many query heads, and as many KV heads or a copy of one."""
    return heads % gpus == 0 and (not kv_heads or max(kv_heads, gpus) % min(kv_heads, gpus) == 0)


def extends_context(arguments: Sequence[str]) -> bool:
    """Return True where *arguments* change how far positions reach, so that a context may be longer."""
    values = dict(_values(arguments))
    overrides = "".join(text for flag, text in values.items() if flag.partition(".")[0] in _OVERRIDES)
    dotted = "".join(flag.replace("-", "_") for flag in values if flag.partition(".")[0] in _OVERRIDES)
    return "rope-scaling" in values or any(key in overrides + dotted for key in _POSITIONS)


def host_memory(arguments: Sequence[str]) -> Mapping[str, int]:
    """Return the bytes of RAM that *arguments* ask for, by a name for the message; a wrong number counts as none."""
    values = dict(_values(arguments))
    return {name: int(_number(values[flag]) * GI) for flag, name in HOST_MEMORY.items() if flag in values}


def image_cache(arguments: Sequence[str], default: int) -> int:
    """Return the bytes of the cache of prepared images."""
    values = dict(_values(arguments))
    return int(_number(values[IMAGE_CACHE]) * GI) if IMAGE_CACHE in values else default


def _number(text: str) -> float:
    try:
        return max(float(text), 0)
    except ValueError:
        return 0


def _flags(arguments: Sequence[str]) -> list[str]:
    return [name for name, _ in _values(arguments)]


def _values(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each flag without its dashes, underscores as dashes, with its value."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument.startswith("-") and not argument.lstrip("-")[:1].isdigit():
            name, equals, value = argument.lstrip("-").partition("=")
            yield name.replace("_", "-"), value if equals else following
