"""vLLM's command line: written from a service's options, and read back from anybody's container.

What the flags mean is in the documentation of `vllm serve` (engine arguments).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from infra.options import VllmService
from infra.vram import ENGINE_OVERHEAD, Engine, ModelCard, Vram, need, weights

DEFAULT_UTILIZATION = 0.92
_DTYPES = {"auto": "bfloat16", "half": "float16", "float": "float32"}
_KV_DTYPES = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8"}
# Asked for by its plain name, vLLM takes the slow kernel of the format: its own log says to ask for Marlin's.
_QUANTIZATIONS = {"awq": "awq_marlin", "gptq": "gptq_marlin"}
_OURS = {theirs: ours for ours, theirs in _QUANTIZATIONS.items()}


def write(service: VllmService, vram: Vram, gpu_memory: int) -> tuple[str, ...]:
    """The arguments of `vllm serve` for an engine that takes *vram* of each GPU of *gpu_memory* bytes."""
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
        flags["quantization"] = _QUANTIZATIONS.get(service.quantization, service.quantization)
    chosen = {"--enforce-eager": service.eager, "--enable-sleep-mode": service.sleep}
    switches = (switch for switch, on in chosen.items() if on)
    pairs = (f"--{name}={value}" for name, value in flags.items())
    return (service.model, *pairs, *switches, "--no-enable-log-requests")


@dataclass(frozen=True, kw_only=True)
class Flags:
    """The arguments that decide an engine's GPU memory, as vLLM reads them."""

    model: str
    context_tokens: int | None
    sequences: int
    dtype: str
    kv_dtype: str
    kv_cache_bytes: int | None
    utilization: float
    tensor_parallel: int
    quantization: str | None
    sleep: bool


def read(arguments: Sequence[str]) -> Flags:
    """The flags in *arguments*, in either notation (`--a=b`, `--a b`), with vLLM's defaults for the rest.

    Raises ValueError when a number is none.
    """
    given = _pairs(arguments)
    dtype = given.get("dtype", "auto")
    kv_dtype = given.get("kv-cache-dtype", "auto")
    kv_bytes = given.get("kv-cache-memory-bytes")
    context = given.get("max-model-len")
    return Flags(
        model=given.get("model") or _positional(arguments),
        context_tokens=_number(context) if context else None,
        sequences=int(given.get("max-num-seqs", "1")),  # unset, it must still hold one whole context
        dtype=_DTYPES.get(dtype, dtype),
        kv_dtype=_KV_DTYPES.get(kv_dtype, kv_dtype),
        kv_cache_bytes=_number(kv_bytes) if kv_bytes else None,
        utilization=float(given.get("gpu-memory-utilization", DEFAULT_UTILIZATION)),
        tensor_parallel=int(given.get("tensor-parallel-size", "1")),
        quantization=_OURS.get(given.get("quantization", ""), given.get("quantization")),
        sleep="enable-sleep-mode" in given,
    )


def vram(flags: Flags, cards: Mapping[str, ModelCard], gpu_memory: int, overhead: int = ENGINE_OVERHEAD) -> int:
    """Bytes that an engine with *flags* takes of each GPU of *gpu_memory* bytes, *overhead* of them its own.

    The larger of what it is told to take and what its model, context and sequences need; the latter is left out for
    a model that *cards* does not know.
    """
    told = 0 if flags.kv_cache_bytes else int(flags.utilization * gpu_memory)
    card = cards.get(flags.model)
    return max(told, _need(flags, card, overhead)) if card else told


def parked(flags: Flags, cards: Mapping[str, ModelCard]) -> int:
    """Bytes of RAM that an engine with *flags* fills when it sleeps (level 1); 0 for a model that *cards* lacks."""
    card = cards.get(flags.model)
    return weights(card, flags.dtype, 1, flags.quantization) if card and flags.sleep else 0


def _need(flags: Flags, card: ModelCard, overhead: int) -> int:
    engine = Engine(
        context_tokens=flags.context_tokens or card.context_tokens,
        sequences=flags.sequences,
        dtype=flags.dtype,
        kv_dtype=flags.kv_dtype,
        tensor_parallel=flags.tensor_parallel,
        quantization=flags.quantization,
    )
    needed = need(card, engine, overhead)
    return replace(needed, kv_cache=max(needed.kv_cache, flags.kv_cache_bytes or 0)).total


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    """Every `--name value` and `--name=value`, underscores read as dashes; the last one wins, as in vLLM."""
    found = {}
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            found[name.replace("_", "-")] = value if equals else following
    return found


def _positional(arguments: Sequence[str]) -> str:
    """The model of `vllm serve MODEL`, where the first two words may be the image's entry point."""
    words = list(arguments[arguments.index("serve") + 1 :] if "serve" in arguments else arguments)
    return words[0] if words and not words[0].startswith("-") else ""


def _number(text: str) -> int:
    """Read an integer as vLLM does: `8192`, `16k` (decimal), `16K` (binary)."""
    scale = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}.get(text[-1:])
    return int(float(text[:-1]) * scale) if scale else int(text)
