"""From one model to another: take away what is loaded, order the new one, and wait until it is there."""

import asyncio
from collections.abc import Iterable

from synapse_gateway.errors import BackendTimeoutError, BadGatewayError, RefusedError
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.models.listing import Entry, find, is_failed, is_loaded, state
from synapse_gateway.upstream.models.router_api import RouterApi, unknown

ON_THE_WAY = frozenset({"loading", "downloading", "unloading"})


async def load(api: RouterApi, times: ModelTimes, model: str, others: Iterable[str]) -> None:
    """Unload *others*, and have *model* loaded.

    Raises BadGatewayError when it does not start, BackendTimeoutError when it takes too long, and what *api* raises.
    """
    try:
        async with asyncio.timeout(times.load_s):
            await _unload(api, times, frozenset(others))
            await _load(api, times, model)
    except TimeoutError as error:
        raise BackendTimeoutError(
            f"{model} was not loaded within {times.load_s:g} s", code="model_load_timeout", param="model"
        ) from error


async def _unload(api: RouterApi, times: ModelTimes, others: frozenset[str]) -> None:
    for other in others:
        try:
            await api.unload(other)
        except RefusedError:
            continue  # it ended by itself
    while others:
        others &= {entry["id"] for entry in await api.patiently(api.listing) if is_loaded(entry)}
        await asyncio.sleep(times.pause_s if others else 0)


async def _load(api: RouterApi, times: ModelTimes, model: str) -> None:
    """Order it, and again when the router lost it; a start that failed is not repeated."""
    is_ordered = False
    while not is_loaded(entry := await _entry(api, model)):
        if state(entry) not in ON_THE_WAY:
            if is_ordered and is_failed(entry):
                raise BadGatewayError(f"{api.name} could not load {model}", code="model_load_failed", param="model")
            await api.load(model)
            is_ordered = True
        await asyncio.sleep(times.pause_s)


async def _entry(api: RouterApi, model: str) -> Entry:
    found = find(await api.patiently(api.listing), model)
    if found is None:
        raise unknown(model)
    return found
