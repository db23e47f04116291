"""Command lines of GPU engines: reading them, and the GPU memory that follows from them."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from infra.catalog.model_families import Parsers
from infra.sizing.quantization import KV_BYTES
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import EngineOptions, Speculation, Vram
from infra.sizing.weights import weights

DTYPES = {"auto": "bfloat16", "half": "float16", "float": "float32"}
KV_DTYPES = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "fp8_inc": "fp8", "bf16": "bfloat16"}
# With the plain name the engine uses the slow kernel of the format; its log then recommends the Marlin kernel.
QUANTIZATIONS = {"awq": "awq_marlin", "gptq": "gptq_marlin"}
_NAMES = {engine: name for name, engine in QUANTIZATIONS.items()}
_SCALES = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
DRAFT_FREE = frozenset({"ngram", "ngram_gpu", "suffix"})
"""Methods of speculative decoding that take no GPU memory of their own."""
OWN_HEADS = ("mtp", "nextn", "eagle_mtp")
"""Ends of the methods that draft with a head of the model itself."""


class EngineSettings(Protocol):
    """Options of a service that its command line is written from, beside those of its memory."""

    @property
    def model(self) -> str: ...
    @property
    def parsers(self) -> Parsers: ...
    @property
    def trust_remote_code(self) -> bool: ...
    @property
    def speculative_config(self) -> Mapping[str, Any] | None: ...
    @property
    def adapters(self) -> Mapping[str, str]: ...
    @property
    def adapter_rank(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class EngineFlags(ABC):
    """Flags that decide an engine's GPU memory; a context of 0 tokens means the longest of the model."""

    model: str
    options: EngineOptions
    speculative: Mapping[str, Any] | None = None

    def vram(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int, *, with_overhead: bool = True) -> int:
        """Return the bytes that the engine uses on each GPU of *gpu_memory* bytes.

        This is the larger of the reservation in its flags and the need of its model and context; only the reservation
        counts for a model without a spec. Raises ValueError for a draft model without one.
        """
        spec = model_specs.get(self.model)
        if spec is None:
            return self.reserved(None, gpu_memory, with_overhead=with_overhead)
        needed = self.needed(spec, self._of(spec, model_specs), gpu_memory)
        need = needed.total if with_overhead else needed.weights + needed.kv_cache
        return max(need, self.reserved(needed, gpu_memory, with_overhead=with_overhead))

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:  # noqa: ARG002 - for engines that can sleep
        """Return the bytes of RAM that the weights use while the engine sleeps; 0 for an engine that cannot sleep."""
        return 0

    @abstractmethod
    def needed(self, spec: ModelSpec, options: EngineOptions, gpu_memory: int) -> Vram:
        """Return the memory that the engine needs to start with *options*."""

    @abstractmethod
    def reserved(self, needed: Vram | None, gpu_memory: int, *, with_overhead: bool) -> int:
        """Return the bytes that the flags reserve on each GPU, beside the overhead that is *needed*."""

    def _of(self, spec: ModelSpec, model_specs: Mapping[str, ModelSpec]) -> EngineOptions:
        context = self.options.context_tokens or spec.context_tokens
        options = replace(self.options, context_tokens=context, speculation=self._speculation(spec, model_specs))
        return replace(options, cache_tokens=context) if options.cache_tokens == 0 else options

    def _speculation(self, spec: ModelSpec, model_specs: Mapping[str, ModelSpec]) -> Speculation | None:
        return speculation(self.speculative, spec, model_specs, self.options.dtype)


def speculation(
    config: Mapping[str, Any] | None, spec: ModelSpec, model_specs: Mapping[str, ModelSpec], dtype: str
) -> Speculation | None:
    """Return the memory that speculative decoding takes, by the engine's *config* for it.

    Raises ValueError for a draft model without a model spec.
    """
    if not config:
        return None
    tokens, draft = config.get("num_speculative_tokens"), config.get("model")
    method = str(config.get("method", "")).lower()
    count = tokens if isinstance(tokens, int) and tokens > 0 else 1
    if method in DRAFT_FREE:
        return Speculation(tokens=count)
    if method.endswith(OWN_HEADS) or draft is None:
        return Speculation(tokens=count, layers=spec.draft_layers or 1)
    other = model_specs.get(str(draft))
    if other is None:
        raise ValueError(f"the draft model {draft} has no model spec")
    return Speculation(tokens=count, layers=other.layers, weights=weights(other, dtype))


def parse_flags(arguments: Sequence[str], short: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return each `--name value` and `--name=value`, underscores as dashes; the last one wins, as in the engines.

    *short* has other names of a flag, of one dash too.
    """
    names, flags = short or {}, {}
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("--") or (argument.startswith("-") and argument[1:].partition("=")[0] in names):
            name = name.replace("_", "-")
            flags[names.get(name, name)] = value if equals else following
    return flags


def switched_on(flags: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return the state of a switch: `--name`, `--no-name`, or `--name=false`; the *default* without it."""
    if f"no-{name}" in flags:
        return False
    return flags[name].lower() != "false" if name in flags else default


def json_flag(flags: Mapping[str, str], name: str) -> dict[str, Any] | None:
    """Return the JSON of a flag, or of its dotted parts (`--name.key value`). Raises ValueError."""
    parts = {
        key.partition(".")[2].replace("-", "_"): _scalar(flags[key]) for key in flags if key.startswith(f"{name}.")
    }
    if name not in flags:
        return parts or None
    try:
        value = json.loads(flags[name])
    except ValueError as error:
        raise ValueError(f"--{name}: got {flags[name]!r}, which is not JSON") from error
    if not isinstance(value, dict):
        raise ValueError(f"--{name}: got {flags[name]!r}; accepted: a JSON object")  # noqa: TRY004 - of the user's value
    return value | parts


def _scalar(text: str) -> object:
    return int(text) if text.isdecimal() else text


def kv_dtype(name: str) -> str:
    """Return the dtype of a cache by its name in an engine. Raises ValueError for one whose size is not known."""
    result = KV_DTYPES.get(name, name)
    if result != "auto" and result not in KV_BYTES:
        raise ValueError(f"the size of a cache in {name} is not known")
    return result


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
