"""HTTP/1.1 client for the backends, on llhttp's parser.

It exists because of cancellation: a client that disconnects must end the backend's work at once, without harm to the
connection pool. `docs/gateway-performance.md` compares its cost with that of other clients.
"""

from synapse_gateway.upstream.http.client import Client, UpstreamRequest
from synapse_gateway.upstream.http.errors import (
    BrokenResponseError,
    ConnectError,
    UpstreamError,
    UpstreamTimeoutError,
)
from synapse_gateway.upstream.http.response import UpstreamResponse

__all__ = [
    "BrokenResponseError",
    "Client",
    "ConnectError",
    "UpstreamError",
    "UpstreamRequest",
    "UpstreamResponse",
    "UpstreamTimeoutError",
]
