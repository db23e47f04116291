"""Gauges of the backends, read at each scrape."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from synapse_gateway.observe.metrics import PREFIX
from synapse_gateway.upstream.upstream import Upstream

GAUGES: tuple[tuple[str, str, Callable[[Upstream], float]], ...] = (
    (
        "breaker_state",
        "State of the circuit breaker of a backend: 0 closed, 1 half-open, 2 open",
        lambda upstream: upstream.breaker.state,
    ),
    ("backend_up", "1 if the last health check of a backend passed, else 0", lambda upstream: upstream.is_up),
    ("backend_requests_active", "Calls that a backend is serving", lambda upstream: upstream.admission.active),
    (
        "backend_requests_waiting",
        "Calls that wait for a backend to be free",
        lambda upstream: upstream.admission.waiting,
    ),
)


class BackendGauges(Collector):
    """Gauges of *upstreams*, which are listed at each scrape, since a reloaded configuration changes them."""

    def __init__(self, upstreams: Callable[[], Iterable[Upstream]]) -> None:
        self._backends = upstreams

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text, read in GAUGES:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["backend"])
            for upstream in self._backends():
                family.add_metric([upstream.name], read(upstream))
            yield family
