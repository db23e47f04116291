"""HTTP/1.1 server, on llhttp's parser.

Every request runs in a task, which is cancelled at once when its client disconnects.
"""

from synapse_gateway.server.http.listener import Listener
from synapse_gateway.server.http.request import ClientLeftError, Request
from synapse_gateway.server.http.response import Response, Stream

__all__ = ["ClientLeftError", "Listener", "Request", "Response", "Stream"]
