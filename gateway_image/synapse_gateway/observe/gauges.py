"""Gauges of the backends, read at each scrape."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from synapse_gateway.observe.metrics import PREFIX
from synapse_gateway.upstream.upstream import Upstream

GAUGES: tuple[tuple[str, str, Callable[[Upstream], float]], ...] = (
    (
        "breaker_state",
        "Circuit breaker of a backend: 0 closed, 1 half-open, 2 open",
        lambda upstream: upstream.breaker.state,
    ),
    ("backend_up", "1 if the last health check of a backend passed, else 0", lambda upstream: upstream.is_up),
    ("backend_requests_active", "Calls in progress at a backend", lambda upstream: upstream.admission.active),
    ("backend_requests_waiting", "Calls queued for a backend", lambda upstream: upstream.admission.waiting),
)


class BackendGauges(Collector):
    """Collector that calls *upstreams* at each scrape, since a configuration reload replaces them."""

    def __init__(self, upstreams: Callable[[], Iterable[Upstream]]) -> None:
        self._upstreams = upstreams

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text, figure in GAUGES:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["backend"])
            for upstream in self._upstreams():
                family.add_metric([upstream.name], figure(upstream))
            yield family
