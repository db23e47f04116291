"""The figures of the backends that are looked up when Prometheus asks for them."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from synapse_gateway.observe.metrics import PREFIX
from synapse_gateway.upstream.backend import Backend

FIGURES: tuple[tuple[str, str, Callable[[Backend], float]], ...] = (
    ("breaker_state", "0 closed, 1 half-open, 2 open", lambda backend: backend.breaker.state),
    ("backend_up", "1 when the last look at its health found it well", lambda backend: backend.is_up),
    ("backend_requests_active", "Calls that a backend works on", lambda backend: backend.admission.active),
    ("backend_requests_waiting", "Calls that wait for a backend", lambda backend: backend.admission.waiting),
)


class LiveFigures(Collector):
    """Asks *backends* anew each time, since a changed configuration brings others."""

    def __init__(self, backends: Callable[[], Iterable[Backend]]) -> None:
        self._backends = backends

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text, figure in FIGURES:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["backend"])
            for backend in self._backends():
                family.add_metric([backend.name], figure(backend))
            yield family
