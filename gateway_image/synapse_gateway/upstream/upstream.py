"""A backend at run time: its connection pool, circuit breaker, admission control and retry budget."""

import asyncio
import random
from collections.abc import Callable, Iterator

from synapse_gateway.errors import BackendTimeoutError, BadGatewayError, GatewayError, UnavailableError
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.upstream.adapters import TASKS, Adapter, Operation
from synapse_gateway.upstream.admission import Admission
from synapse_gateway.upstream.breaker import Breaker
from synapse_gateway.upstream.config import BackendConfig
from synapse_gateway.upstream.http import (
    Client,
    ConnectError,
    UpstreamError,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamTimeoutError,
)
from synapse_gateway.upstream.lifecycle import Lifecycle, StaticModels

RETRY_DELAYS_S = (0.5, 1.0, 2.0)
RETRY_SHARE = 0.1
RETRY_RESERVE = 3.0


class RetryBudget:
    """Limit of retries: a tenth of the requests, and a small reserve for a backend with few of them.

    Retries must not be the load that keeps a backend down.
    """

    def __init__(self) -> None:
        self._tokens = RETRY_RESERVE

    def deposit(self) -> None:
        """Count a request."""
        self._tokens = min(RETRY_RESERVE, self._tokens + RETRY_SHARE)

    def delays(self) -> Iterator[float]:
        """Yield the seconds to wait before each retry, until the budget is used up."""
        for delay_s in RETRY_DELAYS_S:
            if self._tokens < 1:
                return
            self._tokens -= 1
            yield delay_s * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, so that clients do not retry together


class Upstream:
    """One backend of the configuration. Its state survives a reload of the file that does not change its section."""

    def __init__(
        self,
        name: str,
        config: BackendConfig,
        metrics: Metrics,
        lifecycle: "Callable[[Upstream], Lifecycle]" = StaticModels.of,
    ) -> None:
        self.name = name
        self.config = config
        self.is_up = False  # result of the last health probe
        self.client = Client(config.url)
        self.breaker = Breaker(name)
        self.admission = Admission(name, config.concurrency, config.queue)
        self._paths = dict(_paths(config))
        self._retries = RetryBudget()
        self.metrics = metrics.backend(name)
        self.models = lifecycle(self)

    @property
    def adapter(self) -> Adapter:
        return self.config.adapter

    def path(self, operation: Operation) -> str | None:
        """Return the path of *operation* in its API; None where it does not offer that."""
        return self._paths.get(operation)

    async def send(self, request: UpstreamRequest, timeout_s: float) -> UpstreamResponse:
        """Send *request* under the circuit breaker; retry while no connection can be made.

        Raises UnavailableError (no connection, or the breaker is open), BackendTimeoutError and BadGatewayError.
        """
        self._retries.deposit()
        delays = self._retries.delays()
        while True:
            try:
                return await self._attempt(request, timeout_s)
            except ConnectError as error:
                delay_s = next(delays, None)
                if delay_s is None:
                    raise UnavailableError(f"{self.name} cannot be reached", retry_after_s=1) from error
                self.metrics.retries.inc()
                await asyncio.sleep(delay_s)

    async def _attempt(self, request: UpstreamRequest, timeout_s: float) -> UpstreamResponse:
        self.breaker.enter()
        try:
            response = await self.client.send(request, timeout_s)
        except ConnectError:
            self.breaker.fail()
            self.metrics.unreachable.inc()
            raise
        except UpstreamError as error:
            self.breaker.leave()
            raise self.failure(error) from error
        except BaseException:
            self.breaker.leave()
            raise
        self.breaker.succeed()
        self.metrics.answered(response.status)
        return response

    def failure(self, error: UpstreamError) -> GatewayError:
        """Return the error for the client when an exchange breaks off, and count it."""
        if isinstance(error, UpstreamTimeoutError):
            self.metrics.silent.inc()
            return BackendTimeoutError(f"{self.name} did not answer in time")
        self.metrics.broken.inc()
        return BadGatewayError(f"the response of {self.name} broke off", code="backend_bad_response")

    def close(self) -> None:
        """Close idle connections and stop background tasks; calls in progress run to their end."""
        self.models.close()
        self.client.close()


def _paths(config: BackendConfig) -> Iterator[tuple[Operation, str]]:
    """Yield the operations of its type, without those of tasks that the configuration leaves out."""
    for operation, path in config.adapter.paths.items():
        task = TASKS.get(operation)
        if task is None or task in config.served_tasks:
            yield operation, path
