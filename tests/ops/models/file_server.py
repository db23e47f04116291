"""A server of files with ranges and planned failures. It also runs as a script, and needs only Python."""

import http.server
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class FileServer(http.server.ThreadingHTTPServer):
    """A server of *files*, by their paths; *headers* are further headers of a path.

    *cuts*: the number of bytes after which a response breaks off, one for each response; *statuses*: failures of the
    next responses. As a proxy it serves the same files for every host. *listener*: a socket that listens already.
    """

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1", port: int = 0, listener: socket.socket | None = None) -> None:
        super().__init__((host, port), Handler, bind_and_activate=listener is None)
        if listener:
            self.socket.close()
            self.socket, self.server_address = listener, listener.getsockname()
        self.files: dict[str, bytes] = {}
        self.documents: dict[str, object] = {}
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.redirects: dict[str, tuple[str, dict[str, str]]] = {}
        self.has_ranges = True
        self.is_down_after_cut = False  # 503 for every download, once the last planned cut is done
        self.headers: dict[str, dict[str, str]] = {}
        self.requests: list[tuple[str, str, str | None, str | None]] = []
        """Method, path, range and authorization."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: FileServer

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path, byte_range = urlsplit(self.path).path, self.headers.get("Range")
        self.server.requests.append((self.command, path, byte_range, self.headers.get("Authorization")))
        if with_body and (status := self._failure()):
            return self._send(status, {}, b"")
        if path in self.server.redirects:
            target, headers = self.server.redirects[path]
            return self._send(302, {"Location": target, **headers}, b"")
        if path in self.server.documents:
            return self._send(200, {}, json.dumps(self.server.documents[path]).encode())
        if path not in self.server.files:
            return self._send(404, {}, b"")
        content, start = self.server.files[path], 0
        if byte_range and self.server.has_ranges:
            start = int(byte_range.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self._send(416, {}, b"")
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        headers |= self.server.headers.get(path, {})
        return self._send(206 if start else 200, headers, content[start:], is_sent=with_body)

    def _failure(self) -> int | None:
        if self.server.is_down_after_cut and not self.server.cuts:
            return 503
        return self.server.statuses.pop(0) if self.server.statuses else None

    def _send(self, status: int, headers: dict[str, str], content: bytes, *, is_sent: bool = True) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if is_sent:
            cut = self.server.cuts.pop(0) if content and self.server.cuts else len(content)
            self.wfile.write(content[:cut])
            if cut < len(content):
                self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def serving(listener: socket.socket | None = None) -> Iterator[FileServer]:
    with FileServer(listener=listener) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    main = FileServer("0.0.0.0", int(sys.argv[1]))  # noqa: S104 - every interface of its pod
    main.files = {path: bytes.fromhex(content) for path, content in json.loads(sys.argv[2]).items()}
    main.cuts = json.loads(sys.argv[3])
    main.serve_forever()
