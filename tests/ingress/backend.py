"""What the gateway stands in front of here: it streams when it is told to, and swallows what it is sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

PIECE = 1 << 20


class StubBackend(ThreadingHTTPServer):
    """A chat model and a transcriber. `left` is set when a client hangs up on a stream, `swallowed` counts bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.left = Event()
        self.swallowed = 0

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
    """A request for a stream of that many chunks and one more, with these seconds before each but the first."""
    return {"model": "stub", "stream": True, "messages": [{"role": "user", "content": json.dumps(pauses)}]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubBackend

    def do_GET(self) -> None:
        self._json({"object": "list", "data": [], "status": "ok"})

    def do_POST(self) -> None:
        if self.path == "/transcribe":
            self._swallow(int(self.headers["Content-Length"]))
            self._json({"text": "one", "segments": [], "language": "en", "duration": 1.0})
        else:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._stream(json.loads(asked["messages"][0]["content"]))

    def _swallow(self, left: int) -> None:
        while left and (piece := self.rfile.read(min(left, PIECE))):
            left -= len(piece)
            self.server.swallowed += len(piece)

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
        """Be silent, and notice when the caller hangs up: there is nothing to read until then."""
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
        """Tests print enough."""
