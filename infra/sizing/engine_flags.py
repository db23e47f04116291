"""Command-line flags that GPU engines share: parsing them, and the GPU memory that follows from them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from infra.catalog.model_families import Parsers
from infra.sizing.vram import ENGINE_OVERHEAD, EngineOptions, ModelSpec, Paging, Vram, required_vram, weights

DTYPES = {"auto": "bfloat16", "half": "float16", "float": "float32"}
KV_DTYPES = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "bf16": "bfloat16"}
# With the plain name the engine uses the slow kernel of the format; its log then recommends the Marlin kernel.
QUANTIZATIONS = {"awq": "awq_marlin", "gptq": "gptq_marlin"}
_NAMES = {engine: name for name, engine in QUANTIZATIONS.items()}
_SCALES = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


class EngineSettings(Protocol):
    """Options of a service that its command line is written from."""

    @property
    def model(self) -> str: ...
    @property
    def context_tokens(self) -> int: ...
    @property
    def sequences(self) -> int: ...
    @property
    def dtype(self) -> str: ...
    @property
    def kv_dtype(self) -> str: ...
    @property
    def tensor_parallel(self) -> int: ...
    @property
    def quantization(self) -> str | None: ...
    @property
    def eager(self) -> bool: ...
    @property
    def parsers(self) -> Parsers: ...


@dataclass(frozen=True, kw_only=True)
class EngineFlags(ABC):
    """Flags that decide an engine's GPU memory; None for *context_tokens* means the longest context of the model."""

    paging: ClassVar[Paging]

    model: str
    context_tokens: int | None
    sequences: int
    dtype: str
    kv_dtype: str
    tensor_parallel: int
    quantization: str | None

    def vram(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int, overhead: int = ENGINE_OVERHEAD) -> int:
        """Return the bytes that the engine uses on each GPU of *gpu_memory* bytes, *overhead* included.

        This is the larger of the reservation in its flags and the need of its model, context and sequences; only the
        reservation counts for a model without a spec.
        """
        model_spec = model_specs.get(self.model)
        reserved = self.reserved(model_spec, gpu_memory, overhead)
        return (
            max(reserved, required_vram(model_spec, self.engine(model_spec), overhead).total)
            if model_spec
            else reserved
        )

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:  # noqa: ARG002 - for engines that can sleep
        """Return the bytes of RAM that the weights use while the engine sleeps; 0 for an engine that cannot sleep."""
        return 0

    @abstractmethod
    def reserved(self, model_spec: ModelSpec | None, gpu_memory: int, overhead: int) -> int:
        """Return the bytes that the flags reserve on each GPU, independent of the need."""

    def engine(self, model_spec: ModelSpec) -> EngineOptions:
        """Return the flags as options of the VRAM calculation."""
        return EngineOptions(
            context_tokens=self.context_tokens or model_spec.context_tokens,
            sequences=self.sequences,
            dtype=self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=self.tensor_parallel,
            quantization=self.quantization,
            paging=self.paging,
        )

    def with_cache(self, model_spec: ModelSpec, kv_cache: int, overhead: int) -> int:
        """Return the bytes used on each GPU with a KV cache of *kv_cache* bytes."""
        loaded = weights(model_spec, self.dtype, self.tensor_parallel, self.quantization)
        return Vram(weights=loaded, kv_cache=kv_cache, overhead=overhead).total


def parse_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return each `--name value` and `--name=value`, underscores as dashes; the last one wins, as in the engines."""
    flags = {}
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            flags[name.replace("_", "-")] = value if equals else following
    return flags


def parser_flags(parsers: Parsers) -> dict[str, object]:
    """Return the flags that both engines have for *parsers*, name -> value."""
    flags = {"tool-call-parser": parsers.tool_call, "reasoning-parser": parsers.reasoning}
    return {name: value for name, value in flags.items() if value}


def parse_number(text: str) -> int:
    """Read an integer as vLLM does: `8192`, `16k` (decimal), `16K` (binary). Raises ValueError."""
    scale = _SCALES.get(text[-1:])
    return int(float(text[:-1]) * scale) if scale else int(text)


def quantization_name(quantization: str | None) -> str | None:
    """Return the name in the stack file of a quantization format of an engine."""
    return _NAMES.get(quantization, quantization) if quantization else None
