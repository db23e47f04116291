"""Reasons why a model does not fit a stack, and what would have to change."""

import difflib
from collections.abc import Iterator
from typing import Final

from infra.catalog import model_catalog
from infra.plan.engine_choice import USEFUL, Request
from infra.plan.fit import fit
from infra.plan.gpu_room import holders
from infra.quantities import gib
from infra.settings.engine_services import VllmService
from infra.sizing.budget import Gpu
from infra.sizing.weights import weights
from ops.models.adding import Addition

SUGGESTED: Final = 3
NOTHING: Final = "no context fits"


def reasons(addition: Addition) -> Iterator[str]:
    """Yield one line for each reason, and for each thing that may change."""
    request, ledger = addition.request, addition.plan_after.ledger
    if not ledger.capacity.gpus:
        yield "the node has no GPU; accepted: one under synapse:node.gpus, or another stack (--stack)"
        return
    yield from (violation.message for violation in ledger.violations())
    if addition.choice is not None:
        return
    gpu = min(ledger.capacity.gpus, key=lambda each: each.free)
    others = holders(ledger.lines, addition.service.service_name)
    for line in others:
        part = gib(line.claim.vram) if line.claim.vram else "a share"
        yield f"{line.name} holds {part} of the GPU: it must leave or shrink"
    if others:
        free = request.room(1)
        yield f"beside {'it' if len(others) == 1 else 'them'}: {_longest(request, free) if free else 'nothing is free'}"
    alone = _longest(request, gpu.free)
    yield f"alone on {gpu.name}: {alone}"
    if alone.startswith(NOTHING) and (names := similar(request, gpu)):
        yield f"models of the catalog that fit: {', '.join(names)}"


def similar(request: Request, gpu: Gpu) -> list[str]:
    """Return models of the catalog with a close name that fit on *gpu*."""
    bases = {name.rpartition("/")[2].lower(): name for name in model_catalog.names()}
    base = request.name.rpartition("/")[2].lower()
    close = difflib.get_close_matches(base, bases, n=4 * SUGGESTED, cutoff=0.5)
    close.sort(key=lambda each: not each.startswith(base))
    return [bases[each] for each in close if _is_useful(bases[each], gpu)][:SUGGESTED]


def _is_useful(name: str, gpu: Gpu) -> bool:
    model = model_catalog.find(name)
    context = min(USEFUL, model.spec.context_tokens)
    service = VllmService(model=name, context_tokens=context, sequences=1)
    return "chat" in model.tasks and service.vram({name: model.spec}, gpu.memory).total <= gpu.free


def _longest(request: Request, free: int) -> str:
    """Return in words the longest context that fits into *free* bytes."""
    sequences = request.sequences or 1
    service = request.service({"contextTokens": 1, "sequences": sequences})
    context = fit(service, request.specs, request.gpu_memory, free).context_tokens
    if context:
        number = f"{sequences} sequences of " if sequences > 1 else ""
        return f"at most {number}{context} tokens fit (--context {context} --sequences {sequences})"
    size = weights(request.spec, service.dtype, service.tensor_parallel, service.quantization)
    return NOTHING if size <= free else f"{NOTHING}: its weights alone take {gib(size)} of {gib(free)}"
