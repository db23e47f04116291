"""Stub backend of the gateway: it streams with given pauses and discards uploads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

PIECE = 1 << 20


class StubBackend(ThreadingHTTPServer):
    """A chat model and a transcriber. `left` is set when a client aborts a stream; `received` counts upload bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.left = Event()
        self.received = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def backend() -> Iterator[StubBackend]:
    with StubBackend() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def chat(*pauses: float) -> dict[str, Any]:
    """Return a request for a stream with one chunk more than *pauses*, in seconds before each further chunk."""
    return {"model": "stub", "stream": True, "messages": [{"role": "user", "content": json.dumps(pauses)}]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubBackend

    def do_GET(self) -> None:
        self._json({"object": "list", "data": [], "status": "ok"})

    def do_POST(self) -> None:
        if self.path == "/transcribe":
            self._receive(int(self.headers["Content-Length"]))
            self._json({"text": "one", "segments": [], "language": "en", "duration": 1.0})
        else:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._stream(json.loads(request["messages"][0]["content"]))

    def _receive(self, left: int) -> None:
        while left and (piece := self.rfile.read(min(left, PIECE))):
            left -= len(piece)
            self.server.received += len(piece)

    def _stream(self, pauses: list[float]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for pause in (0, *pauses):
                self._wait(pause)
                self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"content":"."}}]}\n\n')
            self.wfile.write(b"data: [DONE]\n\n")
        except ConnectionError:
            self.server.left.set()

    def _wait(self, seconds: float) -> None:
        """Wait, and raise ConnectionResetError when the client closes the connection."""
        self.connection.settimeout(seconds or 0.001)
        try:
            if not self.connection.recv(1):
                raise ConnectionResetError
        except TimeoutError:
            self.connection.settimeout(None)

    def _json(self, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Log nothing."""
