"""SGLang's command line: written from a service's options, and read back from anybody's container.

What the flags mean is in its documentation (server arguments). `--mem-fraction-static` is a share of what is free
before the model is loaded; weights and cache come out of it, and activations out of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra.settings.services import SglangService
from infra.sizing import engine_flags
from infra.sizing.engine_flags import DTYPES, KV_DTYPES, QUANTIZATIONS, ours, pairs
from infra.sizing.vram import SGLANG, ModelSpec, Vram, need

DEFAULT_FRACTION = 0.9
"""What it takes at most where the flag is left out: it works the share out from the GPU."""
_THEIRS = {"fp8": "fp8_e4m3"}
_SHORT = {"model": "model-path", "tp": "tensor-parallel-size", "tp-size": "tensor-parallel-size"}


def write(service: SglangService, vram: Vram, gpu_memory: int) -> tuple[str, ...]:
    """The arguments of `sglang.launch_server` for an engine that takes *vram* of each GPU of *gpu_memory* bytes."""
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
    switches = ("--disable-cuda-graph",) if service.eager else ()
    return (*(f"--{name}={value}" for name, value in flags.items()), *switches, "--enable-metrics")


@dataclass(frozen=True, kw_only=True)
class Flags(engine_flags.Flags):
    """The arguments that decide an engine's memory, as SGLang reads them."""

    paging = SGLANG

    total_tokens: int | None
    fraction: float

    def told(self, model_spec: ModelSpec | None, gpu_memory: int, overhead: int) -> int:
        """A number of tokens caps the cache that the share of the GPU would have."""
        share = int(self.fraction * gpu_memory) + overhead
        if not (model_spec and self.total_tokens):
            return share
        whole = replace(self.engine(model_spec), context_tokens=self.total_tokens, sequences=1)
        return need(model_spec, whole, overhead).total


def read(arguments: Sequence[str]) -> Flags:
    """The flags in *arguments*, in either notation (`--a=b`, `--a b`), with SGLang's defaults for the rest.

    Raises ValueError when a number is none.
    """
    given = {_SHORT.get(name, name): value for name, value in pairs(arguments).items()}
    dtype, kv_dtype = given.get("dtype", "auto"), given.get("kv-cache-dtype", "auto")
    tokens, context = given.get("max-total-tokens"), given.get("context-length")
    return Flags(
        model=given.get("model-path", ""),
        context_tokens=int(context) if context else None,
        sequences=int(given.get("max-running-requests", "1")),  # unset, it must still hold one whole context
        dtype=DTYPES.get(dtype, dtype),
        kv_dtype=KV_DTYPES.get(kv_dtype, kv_dtype),
        total_tokens=int(tokens) if tokens else None,
        fraction=float(given.get("mem-fraction-static", DEFAULT_FRACTION)),
        tensor_parallel=int(given.get("tensor-parallel-size", "1")),
        quantization=ours(given.get("quantization")),
    )
