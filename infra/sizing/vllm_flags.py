"""vLLM's command line: written from a service's options, and parsed from a container.

The flags are described in the documentation of `vllm serve` (engine arguments).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.sizing.engine_flags import (
    DTYPES,
    KV_DTYPES,
    QUANTIZATIONS,
    EngineFlags,
    EngineSettings,
    parse_flags,
    parse_number,
    parser_flags,
    quantization_name,
)
from infra.sizing.vram import VLLM, ModelSpec, Vram, weights

DEFAULT_UTILIZATION = 0.92


class VllmSettings(EngineSettings, Protocol):
    """Options of vLLM beside those that engines share."""

    @property
    def sleep(self) -> bool: ...
    @property
    def is_pooling(self) -> bool: ...


def write(service: VllmSettings, vram: Vram, gpu_memory: int) -> tuple[str, ...]:
    """Return the arguments of `vllm serve` for an engine with *vram* on each GPU of *gpu_memory* bytes."""
    flags: dict[str, object] = {
        "max-model-len": service.context_tokens,
        "max-num-seqs": service.sequences,
        "dtype": service.dtype,
        "kv-cache-dtype": service.kv_dtype,
        "kv-cache-memory-bytes": vram.kv_cache,
        "gpu-memory-utilization": vram.utilization(gpu_memory),
        "tensor-parallel-size": service.tensor_parallel,
        "port": 8000,
    }
    if service.quantization:
        flags["quantization"] = QUANTIZATIONS.get(service.quantization, service.quantization)
    if service.is_pooling:
        flags["runner"] = "pooling"
    flags |= parser_flags(service.parsers)
    if service.parsers.tool_call and service.parsers.chat_template:
        flags["chat-template"] = service.parsers.chat_template
    chosen = {
        "--enforce-eager": service.eager,
        "--enable-sleep-mode": service.sleep,
        "--enable-auto-tool-choice": bool(service.parsers.tool_call),
    }
    switches = (switch for switch, on in chosen.items() if on)
    written = (f"--{name}={value}" for name, value in flags.items())
    return (service.model, *written, *switches, "--no-enable-log-requests")


@dataclass(frozen=True, kw_only=True)
class VllmFlags(EngineFlags):
    """Arguments that decide the engine's memory, as vLLM reads them."""

    paging = VLLM

    kv_cache_bytes: int | None
    utilization: float
    sleep: bool

    def reserved(self, model_spec: ModelSpec | None, gpu_memory: int, overhead: int) -> int:
        """Return the weights, cache and overhead where the cache has a fixed size, else the share of the GPU."""
        if not self.kv_cache_bytes:
            return int(self.utilization * gpu_memory)
        return self.with_cache(model_spec, self.kv_cache_bytes, overhead) if model_spec else self.kv_cache_bytes

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:
        """Return the size of its weights (sleep level 1); 0 for a model without a spec."""
        model_spec = model_specs.get(self.model)
        return weights(model_spec, self.dtype, 1, self.quantization) if model_spec and self.sleep else 0


def read(arguments: Sequence[str]) -> VllmFlags:
    """Parse *arguments* in either notation (`--a=b`, `--a b`), with vLLM's defaults for the rest.

    Raises ValueError for an invalid number.
    """
    given = parse_flags(arguments)
    dtype, kv_dtype = given.get("dtype", "auto"), given.get("kv-cache-dtype", "auto")
    kv_bytes, context = given.get("kv-cache-memory-bytes"), given.get("max-model-len")
    return VllmFlags(
        model=given.get("model") or _positional(arguments),
        context_tokens=parse_number(context) if context else None,
        sequences=int(given.get("max-num-seqs", "1")),  # unset, it must still hold one whole context
        dtype=DTYPES.get(dtype, dtype),
        kv_dtype=KV_DTYPES.get(kv_dtype, kv_dtype),
        kv_cache_bytes=parse_number(kv_bytes) if kv_bytes else None,
        utilization=float(given.get("gpu-memory-utilization", DEFAULT_UTILIZATION)),
        tensor_parallel=int(given.get("tensor-parallel-size", "1")),
        quantization=quantization_name(given.get("quantization")),
        sleep="enable-sleep-mode" in given,
    )


def _positional(arguments: Sequence[str]) -> str:
    """Return the model of `vllm serve MODEL`; the first two words may be missing (the image's entry point)."""
    words = list(arguments[arguments.index("serve") + 1 :] if "serve" in arguments else arguments)
    return words[0] if words and not words[0].startswith("-") else ""
