"""Tracing: W3C trace context is always passed on to backends; spans are recorded by a Tracer, where one is configured.

A request whose client sent no context has none without a Tracer. Spans hold names, numbers and codes: no content of a
client, and no key.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

Headers = tuple[tuple[str, str], ...]
Attributes = Mapping[str, str | bool | int | None]
TRACE, STATE = "traceparent", "tracestate"
WELL_FORMED = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
"""Source: https://www.w3.org/TR/trace-context"""


class Span(Protocol):
    """One request in progress."""

    def attempt(self, backend: str, *more: tuple[str, str]) -> AbstractContextManager[Headers]:
        """Record a request to *backend*; give the headers for it: *more*, and the trace context."""
        ...

    def end(self, route: str, status: int, attributes: Attributes) -> None:
        """Record the response with *status*. Attributes that are None are left out."""
        ...


class Tracer(Protocol):
    """Recorder of spans."""

    def begin(self, method: str, headers: Mapping[str, str]) -> Span: ...

    def close(self) -> None:
        """Send the remaining spans; may take seconds, and must not be called in the event loop."""
        ...


def received(headers: Mapping[str, str]) -> Headers:
    """Return the trace context that a client sent, unchanged; nothing where it is malformed."""
    if not WELL_FORMED.fullmatch(headers[TRACE]):
        return ()
    return tuple((name, headers[name]) for name in (TRACE, STATE) if name in headers)
