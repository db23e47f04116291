"""Gauges of the backends, read at each scrape."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from synapse_gateway.observe.metrics import PREFIX
from synapse_gateway.upstream.backend import Backend

GAUGES: tuple[tuple[str, str, Callable[[Backend], float]], ...] = (
    (
        "breaker_state",
        "State of the circuit breaker of a backend: 0 closed, 1 half-open, 2 open",
        lambda backend: backend.breaker.state,
    ),
    ("backend_up", "1 if the last health check of a backend passed, else 0", lambda backend: backend.is_up),
    ("backend_requests_active", "Calls that a backend is serving", lambda backend: backend.admission.active),
    ("backend_requests_waiting", "Calls that wait for a backend to be free", lambda backend: backend.admission.waiting),
)


class BackendGauges(Collector):
    """Gauges of *backends*, which are listed at each scrape, since a reloaded configuration changes them."""

    def __init__(self, backends: Callable[[], Iterable[Backend]]) -> None:
        self._backends = backends

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text, read in GAUGES:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["backend"])
            for backend in self._backends():
                family.add_metric([backend.name], read(backend))
            yield family
