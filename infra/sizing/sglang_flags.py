"""SGLang's command line: written from a service's options, and parsed from a container.

The flags are described in SGLang's documentation (server arguments). `--mem-fraction-static` is a share of the memory
that is free before the model is loaded; weights and cache use this share, activations use the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from infra.sizing.engine_flags import (
    DTYPES,
    KV_DTYPES,
    QUANTIZATIONS,
    EngineFlags,
    EngineSettings,
    parse_flags,
    parser_flags,
    quantization_name,
)
from infra.sizing.vram import SGLANG, ModelSpec, Vram, required_vram

DEFAULT_FRACTION = 0.9
"""Upper bound where the flag is left out; SGLang then chooses the share from the GPU."""
_THEIRS = {"fp8": "fp8_e4m3"}
_SHORT = {"model": "model-path", "tp": "tensor-parallel-size", "tp-size": "tensor-parallel-size"}


class SglangSettings(EngineSettings, Protocol):
    """Options of SGLang beside those that engines share."""

    @property
    def cache_tokens(self) -> int: ...


def write(service: SglangSettings, vram: Vram, gpu_memory: int) -> tuple[str, ...]:
    """Return the arguments of `sglang.launch_server` for an engine with *vram* on each GPU of *gpu_memory* bytes."""
    flags: dict[str, object] = {
        "model-path": service.model,
        "host": "0.0.0.0",  # noqa: S104 - every interface of the pod
        "port": 30000,
        "context-length": service.context_tokens,
        "max-running-requests": service.sequences,
        "max-total-tokens": service.cache_tokens,
        "mem-fraction-static": vram.utilization(gpu_memory),
        "dtype": service.dtype,
        "kv-cache-dtype": _THEIRS.get(service.kv_dtype, service.kv_dtype),
        "tensor-parallel-size": service.tensor_parallel,
    }
    if service.quantization:
        flags["quantization"] = QUANTIZATIONS.get(service.quantization, service.quantization)
    if service.eager:
        flags |= dict.fromkeys(("cuda-graph-backend-decode", "cuda-graph-backend-prefill"), "disabled")
    flags |= parser_flags(service.parsers)
    return (*(f"--{name}={value}" for name, value in flags.items()), "--enable-metrics")


@dataclass(frozen=True, kw_only=True)
class SglangFlags(EngineFlags):
    """Arguments that decide the engine's memory, as SGLang reads them."""

    paging = SGLANG

    total_tokens: int | None
    fraction: float

    def reserved(self, model_spec: ModelSpec | None, gpu_memory: int, overhead: int) -> int:
        """Return the share of the GPU, or less where a number of tokens limits the cache."""
        share = int(self.fraction * gpu_memory) + overhead
        if not (model_spec and self.total_tokens):
            return share
        whole = replace(self.engine(model_spec), context_tokens=self.total_tokens, sequences=1)
        return required_vram(model_spec, whole, overhead).total


def read(arguments: Sequence[str]) -> SglangFlags:
    """Parse *arguments* in either notation (`--a=b`, `--a b`), with SGLang's defaults for the rest.

    Raises ValueError for an invalid number.
    """
    given = {_SHORT.get(name, name): value for name, value in parse_flags(arguments).items()}
    dtype, kv_dtype = given.get("dtype", "auto"), given.get("kv-cache-dtype", "auto")
    tokens, context = given.get("max-total-tokens"), given.get("context-length")
    return SglangFlags(
        model=given.get("model-path", ""),
        context_tokens=int(context) if context else None,
        sequences=int(given.get("max-running-requests", "1")),  # unset, it must still hold one whole context
        dtype=DTYPES.get(dtype, dtype),
        kv_dtype=KV_DTYPES.get(kv_dtype, kv_dtype),
        total_tokens=int(tokens) if tokens else None,
        fraction=float(given.get("mem-fraction-static", DEFAULT_FRACTION)),
        tensor_parallel=int(given.get("tensor-parallel-size", "1")),
        quantization=quantization_name(given.get("quantization")),
    )
