"""Tracing: W3C trace context is always passed on to backends; a Tracer also records spans.

Without a Tracer, a request has a context only if its client sent one. Spans have names, numbers and codes, and no text
of a client and no key.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from synapse_gateway.server.call import Call

Headers = tuple[tuple[str, str], ...]
TRACE, STATE = "traceparent", "tracestate"
WELL_FORMED = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
"""Source: https://www.w3.org/TR/trace-context"""


class Span(Protocol):
    """Span of one request."""

    def attempt(self, backend: str, *named: tuple[str, str]) -> AbstractContextManager[Headers]:
        """Record an attempt at *backend*; gives the headers *named* and those of the trace context."""
        ...

    def end(self, call: "Call", status: int) -> None:
        """End the span with the *status* of the response."""
        ...


class Tracer(Protocol):
    """Records spans and exports them."""

    def begin(self, call: "Call") -> Span: ...

    def close(self) -> None:
        """Export the remaining spans. Blocks for seconds: not for the event loop."""
        ...


def onward(call: "Call", backend: str) -> AbstractContextManager[Headers]:
    """Give the headers for *backend* that connect its logs and spans with those of the gateway."""
    named = ("x-request-id", call.id)
    if call.span is not None:
        return call.span.attempt(backend, named)
    if TRACE in call.request.headers:
        return nullcontext((named, *received(call.request.headers)))
    return nullcontext((named,))


def received(headers: Mapping[str, str]) -> Headers:
    """Return the trace context that a client sent, unchanged; nothing if it is malformed."""
    if not WELL_FORMED.fullmatch(headers[TRACE]):
        return ()
    return tuple((name, headers[name]) for name in (TRACE, STATE) if name in headers)
