"""What a llama.cpp router is asked about its models, and told to do with them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

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
from synapse_gateway.upstream.error_responses import refusal
from synapse_gateway.upstream.http import ConnectError, Request, SilentBackendError, UpstreamError
from synapse_gateway.upstream.models.listing import Entry, merged

if TYPE_CHECKING:
    from synapse_gateway.upstream.backend import Backend

AWAY = frozenset({502, 503, 504})
"""Statuses of a router that restarts, or of what stands in front of it meanwhile."""
MOST_BYTES = 16 * 1024 * 1024
JSON_HEADERS = (("content-type", "application/json"),)
T = TypeVar("T")


class Listing(msgspec.Struct):
    """The answer of `GET /models`."""

    data: list[Entry]


class RouterApi:
    """Asks past the breaker's door, for it waits for a router to come back; what it meets counts all the same."""

    def __init__(self, backend: "Backend", times: ModelTimes) -> None:
        self._backend = backend
        self._times = times

    @property
    def name(self) -> str:
        return self._backend.name

    def check(self) -> None:
        """Raise UnavailableError while the breaker is open: who comes now does not wait."""
        if self._backend.breaker.state:
            self._backend.breaker.enter()
            self._backend.breaker.leave()

    async def listing(self) -> list[Entry]:
        """All its models. Raises UnavailableError, BackendTimeoutError and BadGatewayError."""
        data = await self._ask(Request("GET", "/models"))
        try:
            entries = msgspec.json.decode(data, type=Listing).data
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadGatewayError(f"the list of {self.name} cannot be read", code="backend_bad_response") from error
        return merged(entry for entry in entries if isinstance(entry.get("id"), str))

    async def load(self, model: str) -> bool:
        """Tell it to load; whether it had begun before. Raises BadRequestError for a model it does not have."""
        try:
            await self.patiently(lambda: self._tell("/models/load", model))
        except RefusedError as error:
            if error.status == 400 and "already" in error.message:
                return True
            raise unknown(model) if error.status in {400, 404} else error from None
        except BadGatewayError as error:
            raise BadGatewayError(f"{self.name} could not load {model}", code="model_load_failed") from error
        return False

    async def unload(self, model: str) -> None:
        """Tell it to unload. Raises RefusedError for a model that does not run."""
        await self._tell("/models/unload", model)

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What *ask* gives, asked again and again while the router is away. Raises what it raised last."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._times.away_s
        while True:
            try:
                return await ask()
            except UnavailableError:
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(self._times.pause_s)

    async def _tell(self, path: str, model: str) -> None:
        await self._ask(Request("POST", path, msgspec.json.encode({"model": model}), JSON_HEADERS))

    async def _ask(self, request: Request) -> bytes:
        breaker = self._backend.breaker
        try:
            with await self._backend.client.send(request, self._times.answer_s) as answer:
                breaker.succeed()
                if answer.status in AWAY:
                    raise UnavailableError(f"{self.name} is not available", retry_after_s=1)
                if answer.status >= 300:
                    raise await refusal(self.name, answer)
                return await answer.read(MOST_BYTES)
        except ConnectError as error:
            breaker.fail()
            raise UnavailableError(f"{self.name} cannot be reached", retry_after_s=1) from error
        except UpstreamError as error:
            raise self._failure(error) from error

    def _failure(self, error: UpstreamError) -> GatewayError:
        if isinstance(error, SilentBackendError):
            return BackendTimeoutError(f"{self.name} did not answer in time")
        return UnavailableError(f"the connection to {self.name} was lost", retry_after_s=1)


def unknown(model: str) -> BadRequestError:
    return BadRequestError(
        f"there is no model {model!r}; GET /v1/models lists those there are", code="model_not_available", param="model"
    )
