"""Load of one model in place of others: unload them, order the new one, and poll until it is loaded."""

import asyncio
from collections.abc import Iterable

from synapse_gateway.errors import BackendTimeoutError, BadGatewayError, RefusedError
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.models.listing import ModelEntry, find, is_failed, is_loaded, state
from synapse_gateway.upstream.models.router_api import RouterApi, model_not_available

IN_TRANSITION = frozenset({"loading", "downloading", "unloading"})


async def load(api: RouterApi, times: ModelTimes, model: str, others: Iterable[str]) -> None:
    """Unload *others*, and load *model*.

    Raises BadGatewayError when it fails to start, BackendTimeoutError when it takes too long, and errors of *api*.
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
            continue  # it has been unloaded in the meantime
    while others:
        others &= {entry["id"] for entry in await api.retry_unavailable(api.models) if is_loaded(entry)}
        await asyncio.sleep(times.pause_s if others else 0)


async def _load(api: RouterApi, times: ModelTimes, model: str) -> None:
    """Order the load, again if the router lost it (a restart), but not after a failed start."""
    is_ordered = False
    while not is_loaded(entry := await _entry(api, model)):
        if state(entry) not in IN_TRANSITION:
            if is_ordered and is_failed(entry):
                raise BadGatewayError(f"{api.name} could not load {model}", code="model_load_failed", param="model")
            await api.load(model)
            is_ordered = True
        await asyncio.sleep(times.pause_s)


async def _entry(api: RouterApi, model: str) -> ModelEntry:
    entry = find(await api.retry_unavailable(api.models), model)
    if entry is None:
        raise model_not_available(model)
    return entry
