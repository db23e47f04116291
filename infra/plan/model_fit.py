"""Fit of one model on one card, before any stack file names it: parts of memory, verdict, and what else would fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from infra.bisection import largest
from infra.catalog import cards
from infra.errors import SettingsError
from infra.plan.fit import STEP, fit
from infra.settings.engine_services import EngineService
from infra.sizing.budget import Gpu
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Vram

Verdict = Literal["fits", "tight", "does not fit"]
MOST_TOKENS: Final = 2**24
"""Tokens of a shared cache at most, as in a stack file."""


@dataclass(frozen=True, kw_only=True)
class ModelFit:
    """Memory of a service on a GPU, and the most of it that fits; 0 where nothing does."""

    service: EngineService
    gpu: Gpu
    vram: Vram
    longest_context: int  # with its sequences
    most_sequences: int  # with its context
    shared_tokens: int  # of a shared cache that takes what is left
    shared_contexts: float  # whole contexts that this cache holds at once

    @property
    def left(self) -> int:
        return self.gpu.free - self.vram.total

    @property
    def verdict(self) -> Verdict:
        """Return `tight` where less is left than the figures may be wrong by."""
        if self.left < 0:
            return "does not fit"
        return "tight" if self.left < self.service.error else "fits"


def card_gpu(card: str) -> Gpu:
    """Return the GPU of *card*, such as `rtx-5090` or its full name. Raises SettingsError."""
    name = card if card in cards.USABLE_GIB else cards.named(card)
    if name is None:
        raise SettingsError(f"--card: got {card!r}; accepted: {', '.join(cards.USABLE_GIB)}")
    return Gpu(name=name, memory=cards.usable(name))


def model_fit(service: EngineService, model_specs: Mapping[str, ModelSpec], gpu: Gpu) -> ModelFit:
    """Return the fit of *service* on *gpu*. Raises KeyError for a model without a spec."""
    most = fit(service, model_specs, gpu.memory, gpu.free)
    shared = shared_cache(service, model_specs, gpu.memory, gpu.free)
    vram = service.model_copy(update={"cache_tokens": shared or None}).vram(model_specs, gpu.memory)
    return ModelFit(
        service=service,
        gpu=gpu,
        vram=service.vram(model_specs, gpu.memory),
        longest_context=most.context_tokens,
        most_sequences=most.sequences,
        shared_tokens=shared,
        shared_contexts=vram.contexts if shared and math.isfinite(vram.contexts) else 0,
    )


def shared_cache(service: EngineService, model_specs: Mapping[str, ModelSpec], gpu_memory: int, free: int) -> int:
    """Return the tokens of the largest shared cache that fits into *free* bytes; 0 where not one context does."""

    def fits(tokens: int) -> bool:
        return service.model_copy(update={"cache_tokens": tokens}).vram(model_specs, gpu_memory).total <= free

    one = service.context_tokens
    if model_specs[service.model].is_encoder or not fits(one):
        return 0
    return one + largest(MOST_TOKENS - one, lambda more: fits(one + more), STEP)
