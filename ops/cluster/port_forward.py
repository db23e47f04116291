"""Forward of a pod's port to this machine's loopback, through the Kubernetes API.

The API's proxy of Services is no alternative: the API server takes an `Authorization` header for itself, so that it
never reaches the gateway.
"""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any, Final

from kubernetes.stream import portforward

from ops.cluster.pods import ServicePods

CHUNK: Final = 1 << 16


@contextmanager
def forward_port(pods: ServicePods, pod: str, port: int) -> Iterator[str]:
    """Yield a local address that leads to *port* of *pod* until the context ends."""
    with _Server(pods, pod, port) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    """Local server that opens one connection to the pod for each connection it accepts."""

    daemon_threads = True

    def __init__(self, pods: ServicePods, pod: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._pods, self._pod, self._port = pods, pod, port
        self._opening = Lock()

    def open(self) -> Any:  # noqa: ANN401 - the client is untyped
        # The client replaces one of its own methods while it opens a connection: one at a time.
        with self._opening:
            forward = portforward(
                self._pods.core.connect_get_namespaced_pod_portforward,
                self._pod,
                self._pods.namespace,
                ports=str(self._port),
            )
        return forward.socket(self._port)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: the caller sees that its connection ended, and reports it."""


class _Connection(BaseRequestHandler):
    """Relay of bytes in both directions until one side closes."""

    request: socket.socket
    server: _Server

    def handle(self) -> None:
        remote = self.server.open()
        try:
            _relay(self.request, remote)
        finally:
            remote.close()


def _relay(left: Any, right: Any) -> None:  # noqa: ANN401 - the client's socket is only like one
    other = {left: right, right: left}
    while True:
        readable, _, _ = select.select(list(other), [], [])
        for side in readable:
            data = side.recv(CHUNK)
            if not data:
                return
            other[side].sendall(data)
