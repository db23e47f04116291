"""Options of an engine for a model on a GPU: those of a published start on the card, else the longest that fit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra.catalog.model_catalog import CatalogModel, Sighting
from infra.plan.fit import fit
from infra.plan.model_fit import shared_cache
from infra.settings.engine_services import EngineService
from infra.settings.presets import PRESETS
from infra.sizing.specs.model_spec import ModelSpec

USEFUL: Final = 8192
"""Tokens of a context that are worth a cache of 8 bits, or a thin margin."""
LONGEST: Final = max(preset.context_tokens for preset in PRESETS.values())
CACHE_TYPES: Final = ("auto", "fp8")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Options of a service, by their names in a stack file, and where they are from."""

    options: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """A model for a service, whose *fields* are kept, and the memory for it on a card.

    *room* returns the bytes that are free on each of a number of GPUs. *context* and *sequences* are fixed where given.
    """

    kind: type[EngineService]
    fields: Mapping[str, Any]
    name: str
    spec: ModelSpec
    entry: CatalogModel | None
    card: str | None
    gpu_memory: int
    gpus: int
    room: Callable[[int], int] = field(repr=False)
    context: int | None = None
    sequences: int | None = None

    def service(self, options: Mapping[str, Any]) -> EngineService:
        return self.kind.model_validate({**self.fields, **options, "model": self.name})

    def left(self, options: Mapping[str, Any]) -> int:
        """Return the bytes that are left on each GPU with *options*; negative where they do not fit."""
        service = self.service(options)
        return self.room(service.tensor_parallel) - service.vram(self.specs, self.gpu_memory).total

    @property
    def specs(self) -> dict[str, ModelSpec]:
        return {self.name: self.spec}


def choose(request: Request) -> Choice | None:
    """Return the first options that fit: published ones, then useful ones, with a margin for the error first.

    None where no options fit.
    """
    calculated = list(_calculated(request))
    useful = [each for each in calculated if each.options["contextTokens"] >= min(USEFUL, request.spec.context_tokens)]
    passes: list[tuple[Iterable[Choice], int]] = [(_published(request), 0)]
    passes += [(each, margin) for each in (useful, calculated) for margin in (request.kind.error, 0)]
    return next((choice for choices, margin in passes if (choice := _first(request, choices, margin))), None)


def _first(request: Request, choices: Iterable[Choice], margin: int) -> Choice | None:
    return next((choice for choice in choices if request.left(choice.options) >= margin), None)


def _published(request: Request) -> Iterator[Choice]:
    """Yield the published starts on the card: with a cache for every sequence, then with one that they share.

    CUDA graphs are left out last: their size is an upper bound, which a real start may stay below.
    """
    seen = request.entry.seen if request.entry and request.kind.parser_names.engine == "vllm" else ()
    for sighting in sorted(seen, key=lambda each: each.gpus):
        options = _of_sighting(sighting, request)
        if sighting.card != request.card or sighting.gpus > request.gpus or options is None:
            continue
        reason = f"a published start on {sighting.card} ({sighting.source})"
        yield from _with_shared(request, options, reason)
        if not options.get("eager", True):
            yield from _with_shared(request, options | {"eager": True}, f"{reason}, without its CUDA graphs")


def _with_shared(request: Request, options: Mapping[str, Any], reason: str) -> Iterator[Choice]:
    yield Choice(options=options, reason=reason)
    if shared := _shared(request, options):
        yield Choice(
            options={**options, "cacheTokens": shared}, reason=f"{reason}, with a cache that the sequences share"
        )


def _of_sighting(sighting: Sighting, request: Request) -> dict[str, Any] | None:
    """Return the options of a published start; None for one without a context."""
    if sighting.context is None:
        return None
    options = {
        "contextTokens": request.context or min(sighting.context, request.spec.context_tokens),
        "sequences": request.sequences or sighting.sequences or PRESETS["agents"].sequences,
        "kvDtype": sighting.kv_dtype,
        "eager": sighting.eager,
        "batchedTokens": sighting.batched_tokens,
        "textOnly": sighting.text_only or None,
        "tensorParallel": sighting.gpus if sighting.gpus > 1 else None,
    }
    return {key: value for key, value in options.items() if value is not None}


def _shared(request: Request, options: Mapping[str, Any]) -> int:
    """Return the tokens of a shared cache, with a margin where one context still fits with it; 0 without any."""
    service = request.service(options)
    free = request.room(service.tensor_parallel)
    with_margin = shared_cache(service, request.specs, request.gpu_memory, free - service.error)
    tokens = with_margin or shared_cache(service, request.specs, request.gpu_memory, free)
    return tokens // 1024 * 1024 if tokens // 1024 * 1024 >= service.context_tokens else tokens


def _calculated(request: Request) -> Iterator[Choice]:
    """Yield the presets, then one sequence, then the longest context; each in the cache's own type, then in 8 bits."""
    for context, sequences, reason in _sizes(request):
        for cache in _caches(request):
            yield Choice(options=_options(context, sequences, cache), reason=reason)
    if request.context is None:
        yield from _shortened(request)
    elif request.sequences:
        yield from _sharing(request)


def _sizes(request: Request) -> Iterator[tuple[int, int, str]]:
    longest = request.spec.context_tokens
    for name, preset in PRESETS.items():
        context = request.context or min(preset.context_tokens, longest)
        yield context, request.sequences or preset.sequences, f"the preset {name}"
    yield request.context or min(LONGEST, longest), request.sequences or 1, "one context at a time"


def _shortened(request: Request) -> Iterator[Choice]:
    """Yield the longest contexts up to that of the presets, with a margin for the error and without."""
    for margin in (request.kind.error, 0):
        for cache in _caches(request):
            if context := _longest(request, cache, margin):
                options = _options(context, request.sequences or 1, cache)
                yield Choice(options=options, reason="the longest context that fits")


def _longest(request: Request, cache: str, margin: int) -> int:
    service = request.service(_options(1, request.sequences or 1, cache))
    free = request.room(service.tensor_parallel) - margin
    return min(fit(service, request.specs, request.gpu_memory, free).context_tokens, LONGEST)


def _sharing(request: Request) -> Iterator[Choice]:
    for cache in _caches(request):
        options = _options(request.context or LONGEST, request.sequences or 1, cache)
        if shared := _shared(request, options):
            yield Choice(options={**options, "cacheTokens": shared}, reason="a cache for all sequences")


def _caches(request: Request) -> tuple[str, ...]:
    """Return the types of the cache to try; one that the checkpoint asks for is the only one."""
    is_text = request.service({}).tasks in {None, ("chat",)}
    return CACHE_TYPES if is_text and not request.spec.is_encoder and request.spec.kv_dtype is None else ("auto",)


def _options(context: int, sequences: int, cache: str) -> dict[str, Any]:
    return {"contextTokens": context, "sequences": sequences} | ({"kvDtype": cache} if cache != "auto" else {})
