"""vLLM's command line: written from a service's options, and read from a container.

The flags are described in the documentation of `vllm serve` (engine arguments).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from infra.sizing.engines import vllm_memory
from infra.sizing.engines.engine_flags import (
    DTYPES,
    QUANTIZATIONS,
    EngineFlags,
    EngineSettings,
    json_flag,
    kv_dtype,
    parse_flags,
    parse_number,
    parser_flags,
    quantization_name,
    switched_on,
)
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Adapters, EngineOptions, Vram
from infra.sizing.weights import weights

DEFAULT_UTILIZATION: Final = 0.92
MAX_UTILIZATION: Final = 0.96
"""The engine refuses to start unless this share of the card is free; its own context and the driver are not."""
SHORT: Final = {"tp": "tensor-parallel-size", "q": "quantization", "model-id": "model"}
POOLING: Final = frozenset({"pooling", "embed", "embedding", "classify", "score", "reward"})


class VllmSettings(EngineSettings, Protocol):
    """Options of vLLM beside those that engines share."""

    @property
    def sleep(self) -> bool: ...


def write(service: VllmSettings, options: EngineOptions, vram: Vram, gpu_memory: int) -> tuple[str, ...]:
    """Return the arguments of `vllm serve` for an engine with *vram* on each GPU of *gpu_memory* bytes."""
    parsers = service.parsers
    flags = _of_memory(options, vram, gpu_memory) | parser_flags(parsers) | _of_adapters(service)
    if options.pooling:
        flags["runner"] = "pooling"
    if parsers.tool_call and parsers.chat_template:
        flags["chat-template"] = parsers.chat_template
    if service.speculative_config:
        flags["speculative-config"] = json.dumps(service.speculative_config, separators=(",", ":"))
    chosen = {
        "--enforce-eager": options.eager,
        "--no-enable-prefix-caching": not options.prefix_caching,
        "--language-model-only": not options.vision,
        "--enable-lora": bool(service.adapters),
        "--enable-sleep-mode": service.sleep,
        "--enable-auto-tool-choice": bool(parsers.tool_call),
        "--trust-remote-code": service.trust_remote_code,
    }
    switches = (switch for switch, on in chosen.items() if on)
    written = (f"--{name}={value}" for name, value in flags.items())
    return (service.model, *written, *switches, *_adapter_modules(service), "--no-enable-log-requests")


def _of_memory(options: EngineOptions, vram: Vram, gpu_memory: int) -> dict[str, object]:
    flags: dict[str, object] = {
        "max-model-len": options.context_tokens,
        "max-num-seqs": options.sequences,
        "max-num-batched-tokens": vllm_memory.batched_tokens(options, gpu_memory),
        "dtype": options.dtype,
        "kv-cache-dtype": options.kv_dtype,
        "kv-cache-memory-bytes": vram.kv_cache,
        "gpu-memory-utilization": utilization(vram, gpu_memory),
        "tensor-parallel-size": options.tensor_parallel,
        "port": 8000,
    }
    if options.quantization:
        flags["quantization"] = QUANTIZATIONS.get(options.quantization, options.quantization)
    return flags


def _of_adapters(service: VllmSettings) -> dict[str, object]:
    """Return the flags for LoRA adapters, beside the switch that allows them."""
    if not service.adapters:
        return {}
    return {"max-loras": len(service.adapters), "max-lora-rank": service.adapter_rank}


def _adapter_modules(service: VllmSettings) -> tuple[str, ...]:
    """Return the adapters as the words that follow one flag."""
    modules = [json.dumps({"name": name, "path": path}) for name, path in service.adapters.items()]
    return ("--lora-modules", *modules) if modules else ()


def utilization(vram: Vram, gpu_memory: int) -> float:
    """Return the share of the card that must be free when the engine starts, in hundredths, rounded down.

    With a cache of fixed size nothing else follows from the flag.
    """
    share = (vram.total - vram.context) * 100 // gpu_memory / 100 if gpu_memory else MAX_UTILIZATION
    return max(0.01, min(share, MAX_UTILIZATION))


@dataclass(frozen=True, kw_only=True)
class VllmFlags(EngineFlags):
    """Arguments that decide the engine's memory, as vLLM reads them."""

    kv_cache_bytes: int | None
    utilization: float
    sleep: bool

    def needed(self, spec: ModelSpec, options: EngineOptions, gpu_memory: int) -> Vram:
        """Return the least that a start needs: one whole context, and the run that measures CUDA graphs."""
        options = replace(options, sequences=options.sequences or vllm_memory.default_sequences(gpu_memory))
        needed = vllm_memory.vram(spec, options, gpu_memory)
        if self.kv_cache_bytes or options.eager:
            return needed
        return needed.with_cache(max(needed.kv_cache, vllm_memory.profile_bytes(spec, options, gpu_memory)))

    def reserved(self, needed: Vram | None, gpu_memory: int, *, with_overhead: bool) -> int:
        """Return the weights, cache and overhead where the cache has a fixed size, else the share of the GPU."""
        if not self.kv_cache_bytes:
            return int(self.utilization * gpu_memory)
        if needed is None:
            return self.kv_cache_bytes
        return needed.weights + self.kv_cache_bytes + (needed.overhead if with_overhead else 0)

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:
        """Return the size of its weights (sleep level 1); 0 for a model without a spec."""
        spec = model_specs.get(self.model)
        return weights(spec, self.options.dtype, 1, self.options.quantization) if spec and self.sleep else 0


def read(arguments: Sequence[str]) -> VllmFlags:
    """Parse *arguments* in either notation (`--a=b`, `--a b`), with vLLM's defaults for the rest.

    The sequences are a ceiling: the cache must hold one whole context, which all of them share. Raises ValueError for
    an invalid number, and for flags in a file.
    """
    given = parse_flags(arguments, SHORT)
    if "config" in given:
        raise ValueError(f"the flags in the file of --config {given['config']} are not known here")
    kv_bytes = given.get("kv-cache-memory-bytes")
    return VllmFlags(
        model=given.get("model") or _positional(arguments),
        options=_options(given),
        speculative=json_flag(given, "speculative-config"),
        kv_cache_bytes=parse_number(kv_bytes) if kv_bytes else None,
        utilization=float(given.get("gpu-memory-utilization", DEFAULT_UTILIZATION)),
        sleep=switched_on(given, "enable-sleep-mode", default=False),
    )


def _options(given: Mapping[str, str]) -> EngineOptions:
    batched = given.get("max-num-batched-tokens")
    return EngineOptions(
        context_tokens=_context(given),
        sequences=int(given.get("max-num-seqs", "0")),  # 0: those of the card
        dtype=DTYPES.get(given.get("dtype", "auto"), given.get("dtype", "auto")),
        kv_dtype=kv_dtype(given.get("kv-cache-dtype", "auto")),
        tensor_parallel=int(given.get("tensor-parallel-size", "1")),
        quantization=quantization_name(given.get("quantization")),
        batched_tokens=parse_number(batched) if batched else None,
        cache_tokens=0,  # one whole context
        eager=switched_on(given, "enforce-eager", default=False),
        prefix_caching=switched_on(given, "enable-prefix-caching", default=True),
        vision=not switched_on(given, "language-model-only", default=False),
        pooling=given.get("runner") in POOLING or given.get("task") in POOLING,
        adapters=_adapters(given),
    )


def _context(given: Mapping[str, str]) -> int:
    """Return the longest context; 0 where it is the model's own, 1 where the engine takes what fits (`auto`)."""
    text = given.get("max-model-len", "0")
    return 1 if text in {"auto", "-1"} else parse_number(text)


def _adapters(given: Mapping[str, str]) -> Adapters | None:
    if not switched_on(given, "enable-lora", default=False):
        return None
    return Adapters(count=int(given.get("max-loras", "1")), rank=int(given.get("max-lora-rank", "16")))


def _positional(arguments: Sequence[str]) -> str:
    """Return the model of `vllm serve MODEL`; the first two words may be missing (the image's entry point)."""
    words = list(arguments[arguments.index("serve") + 1 :] if "serve" in arguments else arguments)
    return words[0] if words and not words[0].startswith("-") else ""
