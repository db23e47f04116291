"""What a model takes of the memory by the ledger, beside what it takes by its own file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.settings.services import EngineService, OllamaService
from infra.sizing.host_memory import load
from infra.sizing.model_specs import ModelCard
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
    """*ledger*: by its card; None where the ledger has one claim for all. *claim* is what it may take."""

    model: Model
    memory: str  # VRAM or RAM
    ledger: Parts | None
    found: Parts
    claim: int

    @property
    def fits(self) -> bool:
        return self.found.total <= self.claim


def estimate(model: Model, card: ModelCard, cards: Mapping[str, ModelCard]) -> Estimate:
    """*card* is the file's, *cards* are the ledger's own."""
    claim = model.service.claim
    memory, most = ("VRAM", claim.vram) if claim.gpus else ("RAM", claim.memory_limit)
    counted = _parts(model, cards[model.card]) if model.card and model.card in cards else None
    return Estimate(model=model, memory=memory, ledger=counted, found=_parts(model, card), claim=most)


def _parts(model: Model, card: ModelCard) -> Parts:
    options = model.service.options
    if isinstance(options, EngineService):
        need = options.vram({options.model: card})
        return Parts(weights=need.weights, kv_cache=need.kv_cache, other=need.overhead)
    if isinstance(options, OllamaService):
        named = next((known for known in options.models if known.name == model.name), None)
        quantization = named.quantization if named else "q4_k_m"
        found = load(model.name, card, quantization, options.context_tokens, options.parallel)
        return Parts(weights=found.weights, kv_cache=found.kv_cache, other=found.buffers + options.overhead)
    arguments = model.service.backend.arguments
    parallel = _number(arguments, PARALLEL, 1)
    found = load(model.name, card, "f16", _number(arguments, FLAG, card.context_tokens) // parallel, parallel)
    return Parts(weights=found.weights, kv_cache=found.kv_cache, other=found.buffers + _overhead(model))


def _overhead(model: Model) -> int:
    """CUDA's own, on a GPU."""
    return ENGINE_OVERHEAD // 2 if model.service.claim.gpus else 0


def _number(arguments: tuple[str, ...], flag: str, default: int) -> int:
    """The value of *flag* on a command line of llama.cpp's."""
    following = dict(pairwise(arguments)).get(flag, "")
    return int(following) if re.fullmatch(r"\d+", following) else default
