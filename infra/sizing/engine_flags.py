"""What the command lines of GPU engines have in common: how they are taken apart, and what they make an engine take."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from infra.sizing.vram import ENGINE_OVERHEAD, Engine, ModelSpec, Paging, Vram, need, weights

DTYPES = {"auto": "bfloat16", "half": "float16", "float": "float32"}
KV_DTYPES = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "bf16": "bfloat16"}
# Asked for by its plain name, an engine takes the slow kernel of the format: their own logs say to ask for Marlin's.
QUANTIZATIONS = {"awq": "awq_marlin", "gptq": "gptq_marlin"}
_OURS = {theirs: ours for ours, theirs in QUANTIZATIONS.items()}
_SCALES = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, kw_only=True)
class Flags(ABC):
    """The arguments that decide an engine's GPU memory; a context of None is the longest of the model."""

    paging: ClassVar[Paging]

    model: str
    context_tokens: int | None
    sequences: int
    dtype: str
    kv_dtype: str
    tensor_parallel: int
    quantization: str | None

    def vram(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int, overhead: int = ENGINE_OVERHEAD) -> int:
        """Bytes that the engine takes of each GPU of *gpu_memory* bytes, *overhead* of them its own.

        The larger of what it is told to take and what its model, context and sequences need; the latter is left out
        for a model that *model_specs* does not know.
        """
        model_spec = model_specs.get(self.model)
        told = self.told(model_spec, gpu_memory, overhead)
        return max(told, need(model_spec, self.engine(model_spec), overhead).total) if model_spec else told

    def parked(self, model_specs: Mapping[str, ModelSpec]) -> int:  # noqa: ARG002 - of the engines that sleep
        """Bytes of RAM that the engine fills when it sleeps; 0 for one that never does."""
        return 0

    @abstractmethod
    def told(self, model_spec: ModelSpec | None, gpu_memory: int, overhead: int) -> int:
        """Bytes that it takes of each GPU because its flags say so, whatever it needs."""

    def engine(self, model_spec: ModelSpec) -> Engine:
        """What it is told, in the terms of the arithmetic."""
        return Engine(
            context_tokens=self.context_tokens or model_spec.context_tokens,
            sequences=self.sequences,
            dtype=self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=self.tensor_parallel,
            quantization=self.quantization,
            paging=self.paging,
        )

    def with_cache(self, model_spec: ModelSpec, kv_cache: int, overhead: int) -> int:
        """Bytes of each GPU with a cache of *kv_cache* bytes."""
        loaded = weights(model_spec, self.dtype, self.tensor_parallel, self.quantization)
        return Vram(weights=loaded, kv_cache=kv_cache, overhead=overhead).total


def pairs(arguments: Sequence[str]) -> dict[str, str]:
    """Every `--name value` and `--name=value`, underscores read as dashes; the last one wins, as in the engines."""
    found = {}
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            found[name.replace("_", "-")] = value if equals else following
    return found


def number(text: str) -> int:
    """Read an integer as vLLM does: `8192`, `16k` (decimal), `16K` (binary). Raises ValueError."""
    scale = _SCALES.get(text[-1:])
    return int(float(text[:-1]) * scale) if scale else int(text)


def ours(quantization: str | None) -> str | None:
    """A format by the name that a stack file has for it."""
    return _OURS.get(quantization, quantization) if quantization else None
