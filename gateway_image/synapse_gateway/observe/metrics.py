"""Prometheus metrics. Children are looked up once and kept, because the lookup of labels costs more than counting."""

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
"""Set by the parent of several workers, before this module is imported."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class BackendMetrics:
    """Metrics of one backend: attempts by outcome, and tokens."""

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
    """All metrics of the gateway."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.gauges = CollectorRegistry()
        self._requests = self._counter("http_requests", "Requests answered", "route", "method", "status")
        self._durations = self._histogram(
            "http_request_duration_seconds",
            "Seconds from the first byte of a request to the last byte of its response",
            "route",
        )
        self.backend_requests = self._counter(
            "backend_requests", "Attempts at a backend by outcome", "backend", "outcome"
        )
        self.backend_retries = self._counter(
            "backend_retries", "Attempts at a backend after the first one of a call", "backend"
        )
        self.fallbacks = self._counter("fallbacks", "Calls that fell back from one backend to another", "from", "to")
        self.streams = self._gauge("streams_active", "Streams in progress", "livesum", "route")
        self.rejected = self._counter("rejected_requests", "Requests rejected, by error code", "code")
        self.config_reloads = self._counter("config_reloads", "Reloads of the configuration file by outcome", "outcome")
        self.tokens = self._counter(
            "tokens",
            "Tokens reported by backends (prompt, completion), and events of streams (streamed)",
            "backend",
            "kind",
        )
        self.first_chunk = self._histogram(
            "first_chunk_seconds", "Seconds from a request to the first chunk of its streamed response", "backend"
        )
        self.feed_dropped = self._counter(
            "feed_dropped_events", "Events dropped because a client of the terminal feed was too slow"
        )
        self.feed_failures = self._counter(
            "feed_publish_failures", "Events of the terminal feed that could not be published to Redis"
        )
        self._gauge("build_info", "Version of the gateway; always 1", "max", "version").labels(__version__).set(1)
        self._gauge("start_time_seconds", "Start time of this replica in Unix seconds", "min").set(time())
        self.request = lru_cache(maxsize=4096)(self._request)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=SECONDS, registry=self.registry)

    def _gauge(self, name: str, text: str, merged: Merged, *labels: str) -> Gauge:
        """Return a gauge. *merged*: aggregation over several workers."""
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry, multiprocess_mode=merged)

    def _request(self, route: str, method: str, status: int) -> Callable[[float], None]:
        """Return a function that records one answered request of *route*, a path template, given its seconds."""
        requests, durations = self._requests.labels(route, method, str(status)), self._durations.labels(route)

        def record(seconds: float) -> None:
            requests.inc()
            durations.observe(seconds)

        return record

    def backend(self, name: str) -> BackendMetrics:
        return BackendMetrics(name, self)

    def register(self, collector: Collector) -> None:
        """Add gauges that are read at each scrape."""
        self.gauges.register(collector)

    def text(self) -> bytes:
        """Return all metrics: with several workers their sum, and the gauges of this one."""
        return b"".join(generate_latest(registry) for registry in self._registries())

    def _registries(self) -> Iterator[CollectorRegistry]:
        if DIRECTORY in os.environ:
            shared = CollectorRegistry()
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
            yield shared
        else:
            yield self.registry
        yield self.gauges
