"""The gateway as a client: HTTP/1.1 to its backends, on llhttp's parser.

It exists because a gateway cancels: a client that leaves must end the work of its backend at once, and leave a pool
that is as good as before. `docs/gateway-performance.md` has what it costs beside other clients.
"""

from synapse_gateway.upstream.http.client import Client, Request
from synapse_gateway.upstream.http.errors import BrokenAnswerError, ConnectError, SilentBackendError, UpstreamError
from synapse_gateway.upstream.http.response import Answer

__all__ = [
    "Answer",
    "BrokenAnswerError",
    "Client",
    "ConnectError",
    "Request",
    "SilentBackendError",
    "UpstreamError",
]
