"""GPU memory of the services of a plan in words: its parts, and the contexts that each cache holds."""

import math
from collections.abc import Iterator

from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import gib
from infra.settings.engine_services import EngineService
from infra.sizing.budget import in_words


def gpu_memory_lines(plan: Plan) -> Iterator[str]:
    """Return one line for each service whose GPU memory is calculated."""
    for service in plan.services:
        if service.vram:
            total = f"{service.service_name}: {gib(service.vram.total)} on each GPU"
            yield f"{total} = {in_words(service.vram.parts)}{_buys(service)}"


def _buys(service: ServicePlan) -> str:
    """Return what the cache holds: nothing for a model without a cache."""
    options, vram = service.options, service.vram
    if not isinstance(options, EngineService) or vram is None or math.isinf(vram.contexts):
        return ""
    contexts = math.floor(vram.contexts * 10) / 10
    noun = "context" if contexts == 1 else "contexts"
    return f"; its cache holds {contexts:g} full {noun} of {options.context_tokens:,} tokens at once"
