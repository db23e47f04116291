"""Memory of a model by the ledger and by the header of its file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.settings.services import ModelMemory
from infra.sizing.engines.llama_memory import CUDA, LlamaOptions
from infra.sizing.host_memory import loaded_model
from infra.sizing.specs.model_spec import ModelSpec
from ops.models.inventory import StackModel

CONTEXT = "--ctx-size"
PARALLEL = "--parallel"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Memory of a model from two sources, and the limit of its resource claim.

    *ledger* follows from the model spec; None where the ledger has one claim for all models. *file* follows from the
    header of the file.
    """

    model: StackModel
    memory: str  # VRAM or RAM
    ledger: ModelMemory | None
    file: ModelMemory
    claim: int

    @property
    def fits(self) -> bool:
        return self.file.total <= self.claim


def estimate(model: StackModel, spec: ModelSpec, specs: Mapping[str, ModelSpec]) -> Estimate:
    """Return both figures: *spec* is from the header of the file, *specs* are those of the ledger."""
    claim = model.service.claim
    memory, limit = ("VRAM", claim.vram) if claim.gpus else ("RAM", claim.memory_limit)
    ledger = _memory(model, specs[model.spec_name]) if model.spec_name and model.spec_name in specs else None
    return Estimate(model=model, memory=memory, ledger=ledger, file=_memory(model, spec), claim=limit)


def _memory(model: StackModel, spec: ModelSpec) -> ModelMemory:
    return model.service.options.model_memory(model.name, spec) or _by_arguments(model, spec)


def _by_arguments(model: StackModel, spec: ModelSpec) -> ModelMemory:
    """Return the memory of a model whose server has its context in its arguments, as llama.cpp does."""
    arguments = model.service.arguments
    options = LlamaOptions(
        context_tokens=_number(arguments, CONTEXT, spec.context_tokens), slots=_number(arguments, PARALLEL, 1)
    )
    memory = loaded_model(model.name, spec, "f16", options)
    return ModelMemory(weights=memory.weights, kv_cache=memory.kv_cache, other=memory.buffers + _overhead(model))


def _overhead(model: StackModel) -> int:
    """Return the bytes of CUDA itself, on a GPU."""
    return CUDA if model.service.claim.gpus else 0


def _number(arguments: tuple[str, ...], flag: str, default: int) -> int:
    """Return the value of *flag* on the command line of llama.cpp."""
    following = dict(pairwise(arguments)).get(flag, "")
    return int(following) if re.fullmatch(r"\d+", following) else default
