"""API client of a llama.cpp router: list its models, load one, unload one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from synapse_gateway.errors import (
    BackendTimeoutError,
    BadGatewayError,
    BadRequestError,
    GatewayError,
    RefusedError,
    UnavailableError,
)
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.error_responses import error_from_response
from synapse_gateway.upstream.http import ConnectError, UpstreamError, UpstreamRequest, UpstreamTimeoutError
from synapse_gateway.upstream.models.listing import ModelEntry, RouterModelList, merged
from synapse_gateway.upstream.upstream import Upstream

RESTARTING = frozenset({502, 503, 504})
"""Statuses of a router that restarts, or of a proxy in front of it meanwhile."""
MOST_BYTES = 16 * 1024 * 1024
JSON_HEADERS = (("content-type", "application/json"),)
T = TypeVar("T")


class RouterApi:
    """Client that ignores an open circuit breaker, since it waits for a restart; it still reports to the breaker."""

    def __init__(self, upstream: Upstream, times: ModelTimes) -> None:
        self._upstream = upstream
        self._times = times

    @property
    def name(self) -> str:
        return self._upstream.name

    def check(self) -> None:
        """Raise UnavailableError while the breaker is open: a new call does not wait for the router."""
        if self._upstream.breaker.state:
            self._upstream.breaker.enter()
            self._upstream.breaker.leave()

    async def models(self) -> list[ModelEntry]:
        """Return all its models. Raises UnavailableError, BackendTimeoutError and BadGatewayError."""
        data = await self._send(UpstreamRequest("GET", "/models"))
        try:
            entries = msgspec.json.decode(data, type=RouterModelList).data
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadGatewayError(f"{self.name}: invalid model list", code="backend_bad_response") from error
        return merged(entry for entry in entries if isinstance(entry.get("id"), str))

    async def load(self, model: str) -> bool:
        """Start to load *model*; return True if it was loading already. Raises BadRequestError for an unknown model."""
        try:
            await self.retry_unavailable(lambda: self._post("/models/load", model))
        except RefusedError as error:
            if error.status == 400 and "already" in error.message:
                return True
            raise model_not_available(model) if error.status in {400, 404} else error from None
        except BadGatewayError as error:
            raise BadGatewayError(f"{self.name} could not load {model}", code="model_load_failed") from error
        return False

    async def unload(self, model: str) -> None:
        """Unload *model*. Raises RefusedError for a model that is not loaded."""
        await self._post("/models/unload", model)

    async def retry_unavailable(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return the result of *request*, repeated while the router is unavailable. Raises its last error."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._times.away_s
        while True:
            try:
                return await request()
            except UnavailableError:
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(self._times.pause_s)

    async def _post(self, path: str, model: str) -> None:
        await self._send(UpstreamRequest("POST", path, msgspec.json.encode({"model": model}), JSON_HEADERS))

    async def _send(self, request: UpstreamRequest) -> bytes:
        breaker = self._upstream.breaker
        try:
            with await self._upstream.client.send(request, self._times.answer_s) as response:
                breaker.succeed()
                if response.status in RESTARTING:
                    raise UnavailableError(f"{self.name} is not available ({response.status})", retry_after_s=1)
                if response.status >= 300:
                    raise await error_from_response(self.name, response)
                return await response.read(MOST_BYTES)
        except ConnectError as error:
            breaker.fail()
            raise UnavailableError(f"{self.name} cannot be reached", retry_after_s=1) from error
        except UpstreamError as error:
            raise self._failure(error) from error

    def _failure(self, error: UpstreamError) -> GatewayError:
        if isinstance(error, UpstreamTimeoutError):
            return BackendTimeoutError(f"{self.name} did not answer in time")
        return UnavailableError(f"the connection to {self.name} was lost", retry_after_s=1)


def model_not_available(model: str) -> BadRequestError:
    return BadRequestError(
        f"unknown model {model!r}; GET /v1/models lists the available ones", code="model_not_available", param="model"
    )
