"""What a model takes of the memory by the ledger, beside what it takes by its own file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.settings.services import EngineService, OllamaService
from infra.sizing.host_memory import load
from infra.sizing.model_specs import ModelSpec
from infra.sizing.vram import ENGINE_OVERHEAD
from ops.models.inventory import Model

FLAG = "--ctx-size"
PARALLEL = "--parallel"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Bytes on each GPU, or of RAM where it runs on the CPU."""

    weights: int
    kv_cache: int
    other: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.other


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """*ledger*: by its model spec; None where the ledger has one claim for all. *claim* is what it may take."""

    model: Model
    memory: str  # VRAM or RAM
    ledger: Parts | None
    found: Parts
    claim: int

    @property
    def fits(self) -> bool:
        return self.found.total <= self.claim


def estimate(model: Model, model_spec: ModelSpec, model_specs: Mapping[str, ModelSpec]) -> Estimate:
    """*model_spec* is the file's, *model_specs* are the ledger's own."""
    claim = model.service.claim
    memory, most = ("VRAM", claim.vram) if claim.gpus else ("RAM", claim.memory_limit)
    counted = (
        _parts(model, model_specs[model.model_spec]) if model.model_spec and model.model_spec in model_specs else None
    )
    return Estimate(model=model, memory=memory, ledger=counted, found=_parts(model, model_spec), claim=most)


def _parts(model: Model, model_spec: ModelSpec) -> Parts:
    options = model.service.options
    if isinstance(options, EngineService):
        need = options.vram({options.model: model_spec})
        return Parts(weights=need.weights, kv_cache=need.kv_cache, other=need.overhead)
    if isinstance(options, OllamaService):
        named = next((known for known in options.models if known.name == model.name), None)
        quantization = named.quantization if named else "q4_k_m"
        found = load(model.name, model_spec, quantization, options.context_tokens, options.parallel)
        return Parts(weights=found.weights, kv_cache=found.kv_cache, other=found.buffers + options.overhead)
    arguments = model.service.backend.arguments
    parallel = _number(arguments, PARALLEL, 1)
    found = load(
        model.name, model_spec, "f16", _number(arguments, FLAG, model_spec.context_tokens) // parallel, parallel
    )
    return Parts(weights=found.weights, kv_cache=found.kv_cache, other=found.buffers + _overhead(model))


def _overhead(model: Model) -> int:
    """CUDA's own, on a GPU."""
    return ENGINE_OVERHEAD // 2 if model.service.claim.gpus else 0


def _number(arguments: tuple[str, ...], flag: str, default: int) -> int:
    """The value of *flag* on a command line of llama.cpp's."""
    following = dict(pairwise(arguments)).get(flag, "")
    return int(following) if re.fullmatch(r"\d+", following) else default
