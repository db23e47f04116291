"""What a model takes of the memory by the ledger, beside what it takes by its own file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.settings.services import ModelMemory
from infra.sizing.host_memory import load
from infra.sizing.model_specs import ModelSpec
from infra.sizing.vram import ENGINE_OVERHEAD
from ops.models.inventory import Model

FLAG = "--ctx-size"
PARALLEL = "--parallel"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """*ledger*: by its model spec; None where the ledger has one claim for all. *claim* is what it may take."""

    model: Model
    memory: str  # VRAM or RAM
    ledger: ModelMemory | None
    found: ModelMemory
    claim: int

    @property
    def fits(self) -> bool:
        return self.found.total <= self.claim


def estimate(model: Model, model_spec: ModelSpec, model_specs: Mapping[str, ModelSpec]) -> Estimate:
    """*model_spec* is the file's, *model_specs* are the ledger's own."""
    claim = model.service.claim
    memory, most = ("VRAM", claim.vram) if claim.gpus else ("RAM", claim.memory_limit)
    counted = (
        _memory(model, model_specs[model.model_spec]) if model.model_spec and model.model_spec in model_specs else None
    )
    return Estimate(model=model, memory=memory, ledger=counted, found=_memory(model, model_spec), claim=most)


def _memory(model: Model, model_spec: ModelSpec) -> ModelMemory:
    return model.service.options.model_memory(model.name, model_spec) or _by_arguments(model, model_spec)


def _by_arguments(model: Model, model_spec: ModelSpec) -> ModelMemory:
    """Return the memory of a model whose server has its context in its arguments, as llama.cpp does."""
    arguments = model.service.backend.arguments
    parallel = _number(arguments, PARALLEL, 1)
    context = _number(arguments, FLAG, model_spec.context_tokens) // parallel
    loaded = load(model.name, model_spec, "f16", context, parallel)
    return ModelMemory(weights=loaded.weights, kv_cache=loaded.kv_cache, other=loaded.buffers + _overhead(model))


def _overhead(model: Model) -> int:
    """CUDA's own, on a GPU."""
    return ENGINE_OVERHEAD // 2 if model.service.claim.gpus else 0


def _number(arguments: tuple[str, ...], flag: str, default: int) -> int:
    """The value of *flag* on a command line of llama.cpp's."""
    following = dict(pairwise(arguments)).get(flag, "")
    return int(following) if re.fullmatch(r"\d+", following) else default
