"""Who asked whom, and how long it took: W3C trace context is passed on always, and spans are kept by a Tracer.

A request whose client sent no context has none without a Tracer. Spans hold names, numbers and codes: nothing that a
client wrote, and no key.
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
    """One request under way."""

    def attempt(self, backend: str, *named: tuple[str, str]) -> AbstractContextManager[Headers]:
        """Around the asking of *backend*: the headers *named*, and those that tell it of the trace."""
        ...

    def end(self, call: "Call", status: int) -> None:
        """It was answered with *status*."""
        ...


class Tracer(Protocol):
    """Keeps spans, and sends them somewhere."""

    def begin(self, call: "Call") -> Span: ...

    def close(self) -> None:
        """Send what was not sent; may take seconds, and must not be called in the event loop."""
        ...


def onward(call: "Call", backend: str) -> AbstractContextManager[Headers]:
    """Around the asking of *backend*: the headers by which its logs and spans are found beside the gateway's."""
    named = ("x-request-id", call.id)
    if call.span is not None:
        return call.span.attempt(backend, named)
    if TRACE in call.request.headers:
        return nullcontext((named, *received(call.request.headers)))
    return nullcontext((named,))


def received(headers: Mapping[str, str]) -> Headers:
    """The trace context that a client sent, as it is; none where it makes no sense."""
    if not WELL_FORMED.fullmatch(headers[TRACE]):
        return ()
    return tuple((name, headers[name]) for name in (TRACE, STATE) if name in headers)
