"""The gateway as a server: HTTP/1.1 for its clients, on llhttp's parser.

Every request is a task of its own, which is cancelled at once when its client leaves.
"""

from synapse_gateway.server.http.listener import Listener
from synapse_gateway.server.http.request import ClientLeftError, Request
from synapse_gateway.server.http.response import Response, Stream

__all__ = ["ClientLeftError", "Listener", "Request", "Response", "Stream"]
