"""A pod's port on this machine's loopback, by way of the Kubernetes API.

Not by the API's proxy of Services: an `Authorization` header that is sent there is the API server's to judge, and never
reaches the gateway.
"""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any, Final

from kubernetes.stream import portforward

from ops.cluster.pods import Pods

PART: Final = 1 << 16


@contextmanager
def forwarded(pods: Pods, pod: str, port: int) -> Iterator[str]:
    """The address at which *port* of *pod* is reached, for as long as it is used."""
    with _Server(pods, pod, port) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    """Opens a connection to the pod for every one that it is given."""

    daemon_threads = True

    def __init__(self, pods: Pods, pod: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._pods, self._pod, self._port = pods, pod, port
        self._opening = Lock()

    def open(self) -> Any:  # noqa: ANN401 - the client is untyped
        # The client swaps a method of itself while it opens one.
        with self._opening:
            opened = portforward(
                self._pods.core.connect_get_namespaced_pod_portforward,
                self._pod,
                self._pods.namespace,
                ports=str(self._port),
            )
        return opened.socket(self._port)

    def handle_error(self, request: object, client_address: object) -> None:
        """The client sees that its connection ends, and says so."""


class _Connection(BaseRequestHandler):
    """Passes bytes on, both ways, until one side has no more."""

    request: socket.socket
    server: _Server

    def handle(self) -> None:
        remote = self.server.open()
        try:
            _pass_on(self.request, remote)
        finally:
            remote.close()


def _pass_on(left: Any, right: Any) -> None:  # noqa: ANN401 - one of them only looks like a socket
    other = {left: right, right: left}
    while True:
        readable, _, _ = select.select(list(other), [], [])
        for side in readable:
            data = side.recv(PART)
            if not data:
                return
            other[side].sendall(data)
