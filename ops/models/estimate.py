"""Memory of a model by the ledger and by the header of its file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.settings.services import EngineService, OllamaService
from infra.sizing.host_memory import load
from infra.sizing.model_specs import ModelCard
from infra.sizing.vram import ENGINE_OVERHEAD
from ops.models.inventory import StackModel

CONTEXT = "--ctx-size"
PARALLEL = "--parallel"


@dataclass(frozen=True, kw_only=True)
class MemoryParts:
    """Bytes on each GPU, or of RAM where it runs on the CPU."""

    weights: int
    kv_cache: int
    other: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.other


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """*ledger*: by the model spec; None where the ledger has one claim for all models. *file*: by the header.

    *claim*: the limit.
    """

    model: StackModel
    memory: str  # VRAM or RAM
    ledger: MemoryParts | None
    file: MemoryParts
    claim: int

    @property
    def fits(self) -> bool:
        return self.file.total <= self.claim


def estimate(model: StackModel, spec: ModelCard, specs: Mapping[str, ModelCard]) -> Estimate:
    """Return both figures: *spec* is from the header of the file, *specs* are those of the ledger."""
    claim = model.service.claim
    memory, limit = ("VRAM", claim.vram) if claim.gpus else ("RAM", claim.memory_limit)
    ledger = _parts(model, specs[model.spec_name]) if model.spec_name and model.spec_name in specs else None
    return Estimate(model=model, memory=memory, ledger=ledger, file=_parts(model, spec), claim=limit)


def _parts(model: StackModel, spec: ModelCard) -> MemoryParts:
    options = model.service.options
    if isinstance(options, EngineService):
        need = options.vram({options.model: spec})
        return MemoryParts(weights=need.weights, kv_cache=need.kv_cache, other=need.overhead)
    if isinstance(options, OllamaService):
        declared = next((each for each in options.models if each.name == model.name), None)
        quantization = declared.quantization if declared else "q4_k_m"
        memory = load(model.name, spec, quantization, options.context_tokens, options.parallel)
        return MemoryParts(weights=memory.weights, kv_cache=memory.kv_cache, other=memory.buffers + options.overhead)
    arguments = model.service.backend.arguments
    parallel = _number(arguments, PARALLEL, 1)
    context = _number(arguments, CONTEXT, spec.context_tokens) // parallel
    memory = load(model.name, spec, "f16", context, parallel)
    return MemoryParts(weights=memory.weights, kv_cache=memory.kv_cache, other=memory.buffers + _overhead(model))


def _overhead(model: StackModel) -> int:
    """Return the bytes of CUDA itself, on a GPU."""
    return ENGINE_OVERHEAD // 2 if model.service.claim.gpus else 0


def _number(arguments: tuple[str, ...], flag: str, default: int) -> int:
    """Return the value of *flag* on the command line of llama.cpp."""
    following = dict(pairwise(arguments)).get(flag, "")
    return int(following) if re.fullmatch(r"\d+", following) else default
