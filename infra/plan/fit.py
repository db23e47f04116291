"""The longest context and the most sequences of a service that fit into a GPU, by trying."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.bisection import largest
from infra.settings.engine_services import EngineService
from infra.settings.services import Service
from infra.sizing.specs.model_spec import ModelSpec

STEP: Final = 256
"""Tokens between two contexts that are tried."""
MOST_SEQUENCES: Final = 4096


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The most of a service that fits into a GPU; 0 where nothing does."""

    context_tokens: int  # with its sequences
    sequences: int  # with its context


def fit(service: EngineService, model_specs: Mapping[str, ModelSpec], gpu_memory: int, free: int) -> Fit:
    """Return what fits into *free* bytes of each GPU of *gpu_memory*. Raises KeyError for a model without a spec."""

    def fits(**changes: int) -> bool:
        return service.model_copy(update=changes).vram(model_specs, gpu_memory).total <= free

    longest = model_specs[service.model].context_tokens
    return Fit(
        context_tokens=longest
        if fits(context_tokens=longest)
        else largest(longest, lambda tokens: fits(context_tokens=tokens), STEP),
        sequences=largest(MOST_SEQUENCES, lambda count: fits(sequences=count)),
    )


def fitting(options: Service, model_specs: Mapping[str, ModelSpec], gpu_memory: int, free: int) -> str:
    """Return in words what of a service fits into *free* bytes; empty for a kind whose options do not decide it."""
    if not isinstance(options, EngineService):
        return ""
    most = fit(options, model_specs, gpu_memory, free)
    choices = [
        f"{counted(most.sequences)} of {options.context_tokens} tokens" if most.sequences else "",
        f"{counted(options.sequences)} of {most.context_tokens} tokens" if most.context_tokens else "",
    ]
    named = " or ".join(choice for choice in choices if choice)
    return f"at most {named} would fit" if named else "no context of it would fit"


def counted(sequences: int) -> str:
    """Return *sequences* with their noun."""
    return f"{sequences} sequence" if sequences == 1 else f"{sequences} sequences"
