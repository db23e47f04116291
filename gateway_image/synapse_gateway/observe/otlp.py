"""Export of spans to a collector by OTLP over HTTP, in batches, from a thread of the SDK; failed batches are dropped.

Requires the extra `otlp`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from synapse_gateway import __version__
from synapse_gateway.errors import GatewayError
from synapse_gateway.observe.logs import QUIET
from synapse_gateway.observe.tracing import Attributes, Headers

PATH = "/v1/traces"
SEND_TIMEOUT_S = 5.0
SHUTDOWN_MS = 3000
"""Milliseconds to wait for the collector at the end of the process."""
_context = TraceContextTextMapPropagator()


class CollectorTracer:
    """Tracer that sends spans to the collector at *endpoint*, under the name of this *instance*."""

    def __init__(self, endpoint: str, instance: str, delay_s: float = 2) -> None:
        attributes = {
            "service.name": "synapse-gateway",
            "service.instance.id": instance,
            "service.version": __version__,
        }
        self._provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + PATH, timeout=SEND_TIMEOUT_S)
        self._processor = BatchSpanProcessor(
            exporter, schedule_delay_millis=delay_s * 1000, export_timeout_millis=SHUTDOWN_MS
        )
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("synapse_gateway", __version__)

    def begin(self, method: str, headers: Mapping[str, str]) -> "RequestSpan":
        parent = _context.extract(headers)
        return RequestSpan(self._tracer, self._tracer.start_span(method, parent, SpanKind.SERVER), method)

    def close(self) -> None:
        self._provider.force_flush(SHUTDOWN_MS)
        self._provider.shutdown()


class RequestSpan:
    """Span of one request, with a child span for each attempt at a backend."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span, method: str) -> None:
        self._tracer = tracer
        self._span = span
        self._method = method

    @contextmanager
    def attempt(self, backend: str, *more: tuple[str, str]) -> Iterator[Headers]:
        span = self._tracer.start_span(backend, self._inside(self._span), SpanKind.CLIENT)
        span.set_attribute("synapse.backend", backend)
        headers: dict[str, str] = {}
        _context.inject(headers, self._inside(span))
        try:
            yield (*more, *headers.items())
        except BaseException as error:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", error.code if isinstance(error, GatewayError) else type(error).__name__)
            raise
        finally:
            span.end()

    def end(self, route: str, status: int, attributes: Attributes) -> None:
        """Record the response. Health checks and metrics are left out unless they fail."""
        if route in QUIET and status < 500:
            return
        span, method = self._span, self._method
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
        span.set_attributes({name: value for name, value in attributes.items() if value is not None})
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    @staticmethod
    def _inside(span: trace.Span) -> Context:
        return trace.set_span_in_context(span, Context())
