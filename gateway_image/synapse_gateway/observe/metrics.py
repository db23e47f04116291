"""What Prometheus reads at /metrics. Children are looked up once: labels cost more than counting."""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import time
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from synapse_gateway import __version__

PREFIX = "synapse"
Merged = Literal["livesum", "max", "min"]
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""Set by the parent of several workers, before this module is read."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class BackendMetrics:
    """The series of one backend: attempts by how they came out, and what its answers held."""

    def __init__(self, name: str, metrics: "Metrics") -> None:
        requests, tokens = metrics.backend_requests, metrics.tokens
        self.retries = metrics.backend_retries.labels(name)
        self.unreachable = requests.labels(name, "unreachable")
        self.silent = requests.labels(name, "timeout")
        self.broken = requests.labels(name, "broken")
        self.prompt_tokens = tokens.labels(name, "prompt")
        self.completion_tokens = tokens.labels(name, "completion")
        self.streamed_events = tokens.labels(name, "streamed")
        self.first_chunk = metrics.first_chunk.labels(name)
        self._by_class = {status: requests.labels(name, f"{status}xx") for status in range(2, 6)}

    def answered(self, status: int) -> None:
        self._by_class[min(max(status // 100, 2), 5)].inc()


class Metrics:
    """Every series of the gateway."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.live = CollectorRegistry()
        self._requests = self._counter("http_requests", "Answered requests", "route", "method", "status")
        self._durations = self._histogram(
            "http_request_duration_seconds", "From the first byte of a request to the last of its answer", "route"
        )
        self.backend_requests = self._counter("backend_requests", "Attempts by their outcome", "backend", "outcome")
        self.backend_retries = self._counter("backend_retries", "Attempts after the first", "backend")
        self.fallbacks = self._counter("fallbacks", "Calls that went to another backend", "from", "to")
        self.streams = self._gauge("streams_active", "Streams under way", "livesum", "route")
        self.rejected = self._counter("rejected_requests", "Turned away, by code", "code")
        self.config_reloads = self._counter("config_reloads", "Changes of the configuration file", "outcome")
        self.tokens = self._counter(
            "tokens",
            "Tokens that backends reported (prompt, completion), and events of streams (streamed)",
            "backend",
            "kind",
        )
        self.first_chunk = self._histogram(
            "first_chunk_seconds", "From a request to the first part of its streamed answer", "backend"
        )
        self.feed_dropped = self._counter("feed_dropped_events", "Lines that slow readers of the feed lost")
        self.feed_failures = self._counter("feed_publish_failures", "Lines that the Redis bus did not take")
        self._gauge("build_info", "Always 1", "max", "version").labels(__version__).set(1)
        self._gauge("start_time_seconds", "When this replica began, in Unix seconds", "min").set(time())
        self.request = lru_cache(maxsize=4096)(self._request)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=SECONDS, registry=self.registry)

    def _gauge(self, name: str, text: str, merged: Merged, *labels: str) -> Gauge:
        """*merged*: how the figures of several workers become one."""
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry, multiprocess_mode=merged)

    def _request(self, route: str, method: str, status: int) -> Callable[[float], None]:
        """Record one answered request of *route* (a template, never a path), given its seconds."""
        requests, durations = self._requests.labels(route, method, str(status)), self._durations.labels(route)

        def record(seconds: float) -> None:
            requests.inc()
            durations.observe(seconds)

        return record

    def backend(self, name: str) -> BackendMetrics:
        return BackendMetrics(name, self)

    def watch(self, collector: Collector) -> None:
        """Add figures that are looked up when they are asked for."""
        self.live.register(collector)

    def text(self) -> bytes:
        """All series; where several workers share the port, the sum over them and this one's own live figures."""
        return b"".join(generate_latest(registry) for registry in self._registries())

    def _registries(self) -> Iterator[CollectorRegistry]:
        if DIRECTORY in os.environ:
            shared = CollectorRegistry()
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
            yield shared
        else:
            yield self.registry
        yield self.live
