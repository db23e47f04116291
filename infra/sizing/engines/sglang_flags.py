"""SGLang's command line: written from a service's options, and read from a container.

The flags are described in SGLang's documentation (server arguments). `--mem-fraction-static` is a share of the memory
that is free before the model is loaded; weights and cache use this share, activations use the rest.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from infra.sizing.engines import activations, sglang_memory
from infra.sizing.engines.engine_flags import (
    DTYPES,
    QUANTIZATIONS,
    EngineFlags,
    EngineSettings,
    kv_dtype,
    parse_flags,
    parser_flags,
    quantization_name,
    switched_on,
)
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Adapters, EngineOptions, Vram

DEFAULT_FRACTION: Final = 0.9
"""Upper bound where the flag is left out; SGLang then chooses the share from the GPU."""
UNKNOWN_OVERHEAD: Final = activations.CONTEXT + activations.WORKSPACE + activations.ALLOCATOR
"""The least beside the share of weights and cache, for a model without a spec."""
KV_NAMES: Final = {"fp8": "fp8_e4m3"}
SHORT: Final = {
    "model": "model-path",
    "tp": "tensor-parallel-size",
    "tp-size": "tensor-parallel-size",
    "max-loaded-loras": "max-loras-per-batch",
}
GRAPHS: Final = ("cuda-graph-backend-decode", "cuda-graph-backend-prefill")


ALGORITHMS: Final = {"mtp": "NEXTN", "ngram": "NGRAM", "draft_model": "STANDALONE", "eagle3": "EAGLE3"}
"""Methods of speculative decoding by their names in the stack file -> SGLang's."""


def write(service: EngineSettings, options: EngineOptions, vram: Vram, gpu_memory: int) -> tuple[str, ...]:
    """Return the arguments of `sglang.launch_server` for an engine with *vram* on each GPU of *gpu_memory* bytes."""
    flags: dict[str, object] = {
        "model-path": service.model,
        "host": "0.0.0.0",  # noqa: S104 - every interface of the pod
        "port": 30000,
        "context-length": options.context_tokens,
        "max-running-requests": options.sequences,
        "max-total-tokens": sglang_memory.total_tokens(options),
        "chunked-prefill-size": sglang_memory.batched_tokens(options, gpu_memory),
        "mem-fraction-static": fraction(vram, gpu_memory),
        "dtype": options.dtype,
        "kv-cache-dtype": KV_NAMES.get(options.kv_dtype, options.kv_dtype),
        "tensor-parallel-size": options.tensor_parallel,
    }
    if options.quantization:
        flags["quantization"] = QUANTIZATIONS.get(options.quantization, options.quantization)
    if options.eager:
        flags |= dict.fromkeys(GRAPHS, "disabled")
    flags |= parser_flags(service.parsers) | _speculation_flags(service.speculative_config)
    written = [f"--{name}={value}" for name, value in flags.items()]
    return (*written, *_adapter_flags(service), *_switches(service, options), "--enable-metrics")


def _speculation_flags(config: Mapping[str, Any] | None) -> dict[str, object]:
    """Return the flags of a chain of drafted tokens, which is verified with one token more."""
    if not config:
        return {}
    tokens = config["num_speculative_tokens"]
    flags: dict[str, object] = {
        "speculative-algorithm": ALGORITHMS[config["method"]],
        "speculative-num-draft-tokens": tokens + 1,
    }
    if config["method"] != "ngram":
        flags |= {"speculative-num-steps": tokens, "speculative-eagle-topk": 1}
    return flags | ({"speculative-draft-model-path": config["model"]} if "model" in config else {})


def _switches(service: EngineSettings, options: EngineOptions) -> list[str]:
    chosen = {"--trust-remote-code": service.trust_remote_code, "--disable-radix-cache": not options.prefix_caching}
    return [switch for switch, on in chosen.items() if on]


def _adapter_flags(service: EngineSettings) -> list[str]:
    if not service.adapters:
        return []
    paths = (f"{name}={path}" for name, path in service.adapters.items())
    limits = (f"--max-loras-per-batch={len(service.adapters)}", f"--max-lora-rank={service.adapter_rank}")
    return ["--enable-lora", *limits, "--lora-paths", *paths]


def fraction(vram: Vram, gpu_memory: int) -> float:
    """Return the share of the free memory for weights and cache, in hundredths, rounded up."""
    free = max(gpu_memory - vram.context, 1)
    return min(math.ceil((vram.weights + vram.kv_cache) * 100 / free), 99) / 100


@dataclass(frozen=True, kw_only=True)
class SglangFlags(EngineFlags):
    """Arguments that decide the engine's memory, as SGLang reads them."""

    total_tokens: int | None
    fraction: float

    def needed(self, spec: ModelSpec, options: EngineOptions, gpu_memory: int) -> Vram:
        return sglang_memory.vram(spec, replace(options, cache_tokens=self.total_tokens or 1), gpu_memory)

    def reserved(self, needed: Vram | None, gpu_memory: int, *, with_overhead: bool) -> int:
        """Return the share of the GPU, or nothing where a number of tokens limits the cache of a known model."""
        if needed and self.total_tokens:
            return 0
        overhead = needed.overhead if needed else UNKNOWN_OVERHEAD
        return int(self.fraction * gpu_memory) + (overhead if with_overhead else 0)


def read(arguments: Sequence[str]) -> SglangFlags:
    """Parse *arguments* in either notation (`--a=b`, `--a b`), with SGLang's defaults for the rest.

    Raises ValueError for an invalid number, and for flags in a file.
    """
    given = parse_flags(arguments, SHORT)
    if "config" in given:
        raise ValueError(f"the flags in the file of --config {given['config']} are not known here")
    tokens = given.get("max-total-tokens")
    return SglangFlags(
        model=given.get("model-path", ""),
        options=_options(given),
        speculative=_speculative(given),
        total_tokens=int(tokens) if tokens else None,
        fraction=float(given.get("mem-fraction-static", DEFAULT_FRACTION)),
    )


def _options(given: Mapping[str, str]) -> EngineOptions:
    dtype, chunk = given.get("dtype", "auto"), int(given.get("chunked-prefill-size", "0"))
    return EngineOptions(
        context_tokens=int(given.get("context-length", "0")),
        sequences=int(given.get("max-running-requests", "1")),
        dtype=DTYPES.get(dtype, dtype),
        kv_dtype=kv_dtype(given.get("kv-cache-dtype", "auto")),
        tensor_parallel=int(given.get("tensor-parallel-size", "1")),
        quantization=quantization_name(given.get("quantization")),
        batched_tokens=chunk if chunk > 0 else None,
        cache_tokens=0,  # one whole context
        eager=all(given.get(name) == "disabled" for name in GRAPHS) or "disable-cuda-graph" in given,
        prefix_caching=not switched_on(given, "disable-radix-cache", default=False),
        adapters=_adapters(given),
    )


def _speculative(given: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the flags of speculative decoding under vLLM's names."""
    method = given.get("speculative-algorithm")
    if not method:
        return None
    tokens = max(int(given.get("speculative-num-draft-tokens", "4")) - 1, 1)
    draft = given.get("speculative-draft-model-path")
    return {"method": method, "num_speculative_tokens": tokens} | ({"model": draft} if draft else {})


def _adapters(given: Mapping[str, str]) -> Adapters | None:
    if not switched_on(given, "enable-lora", default=False):
        return None
    return Adapters(count=int(given.get("max-loras-per-batch", "8")), rank=int(given.get("max-lora-rank", "64")))
