"""A backend as it runs: its connections, its breaker, and the places for calls to it."""

import asyncio
from collections.abc import Callable, Iterator

from synapse_gateway.errors import BackendTimeoutError, BadGatewayError, GatewayError, UnavailableError
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.routing.config import BackendConfig
from synapse_gateway.upstream.adapters import TASKS, Adapter, Operation
from synapse_gateway.upstream.admission import Admission
from synapse_gateway.upstream.breaker import Breaker
from synapse_gateway.upstream.http import Answer, Client, ConnectError, Request, SilentBackendError, UpstreamError
from synapse_gateway.upstream.lifecycle import Always, Lifecycle
from synapse_gateway.upstream.retries import RetryBudget


class Backend:
    """One backend of the configuration. Its state outlives a change of the file that does not touch it."""

    def __init__(
        self,
        name: str,
        config: BackendConfig,
        metrics: Metrics,
        lifecycle: "Callable[[Backend], Lifecycle]" = Always.of,
    ) -> None:
        self.name = name
        self.config = config
        self.is_up = False  # at the last look at its health
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
        """Where its API has *operation*; None where it does not do that."""
        return self._paths.get(operation)

    async def send(self, request: Request, timeout_s: float) -> Answer:
        """Ask, under the breaker, with retries for as long as no connection was made.

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

    async def _attempt(self, request: Request, timeout_s: float) -> Answer:
        self.breaker.enter()
        try:
            answer = await self.client.send(request, timeout_s)
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
        self.metrics.answered(answer.status)
        return answer

    def failure(self, error: UpstreamError) -> GatewayError:
        """What the client is told when an exchange breaks."""
        if isinstance(error, SilentBackendError):
            self.metrics.silent.inc()
            return BackendTimeoutError(f"{self.name} did not answer in time")
        self.metrics.broken.inc()
        return BadGatewayError(f"the answer of {self.name} broke off", code="backend_bad_response")

    def close(self) -> None:
        """It is gone from the configuration: calls under way end as they would."""
        self.models.close()
        self.client.close()


def _paths(config: BackendConfig) -> Iterator[tuple[Operation, str]]:
    """The operations of its kind, less those whose task the configuration leaves out."""
    for operation, path in config.adapter.paths.items():
        task = TASKS.get(operation)
        if task is None or task in config.served_tasks:
            yield operation, path
