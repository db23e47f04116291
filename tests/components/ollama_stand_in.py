"""A server with Ollama's API for pulls, as v0.32.9 writes it (`server/routes.go`, `server/images.go`)."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

DIGEST = f"sha256:{64 * 'd'}"
SIZE = 40_000_000
STEPS = 4


class OllamaStandIn(http.server.ThreadingHTTPServer):
    """Models that it *has*, and those that its registry *offers*; *cuts*: pulls that break off, *pulls*: all of them.

    *step*: waits between two lines of progress; a test may set it to hold a pull.
    """

    daemon_threads = True

    def __init__(self, listener: socket.socket | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=listener is None)
        if listener:
            self.socket.close()
            self.socket, self.server_address = listener, listener.getsockname()
        self.has: set[str] = set()
        self.offers: set[str] = set()
        self.pulls: list[str] = []
        self.cuts = 0
        self.pause_s = 0.0
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: OllamaStandIn

    def do_POST(self) -> None:
        model = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["model"]
        if self.path == "/api/show":
            self._send(200 if model in self.server.has else 404, {"error": f"model '{model}' not found"})
        else:
            self._pull(model)

    def _pull(self, model: str) -> None:
        self.server.pulls.append(model)
        self._send(200, {"status": "pulling manifest"})
        if model not in self.server.offers:
            self._line({"error": "pull model manifest: file does not exist"})
            return
        for step in range(STEPS + 1):
            self._line(
                {"status": "pulling dddddddddddd", "digest": DIGEST, "total": SIZE, "completed": step * SIZE // STEPS}
            )
            self.server.stopping.wait(self.server.pause_s)
            if self.server.cuts and step == 1:
                self.server.cuts -= 1
                return
        self.server.has.add(model)
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            self._line({"status": status})

    def _send(self, status: int, document: dict[str, object]) -> None:
        self.send_response(status)
        self.end_headers()
        self._line(document)

    def _line(self, document: dict[str, object]) -> None:
        self.wfile.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def serving(listener: socket.socket | None = None) -> Iterator[OllamaStandIn]:
    with OllamaStandIn(listener) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
