"""A hub on loopback for tests: files with ranges, and the ways in which a server or a network may fail."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

REPOSITORY = "acme/Chat-7B"
INDEX = {"metadata": {"total_size": 1_000_000}, "weight_map": {}}


def address(file: str, repository: str = REPOSITORY) -> str:
    return f"/{repository}/resolve/main/{file}"


@dataclass(frozen=True)
class Seen:
    """One request: its path, its range and its authorization."""

    path: str
    range: str | None
    token: str | None


@dataclass
class Behaviour:
    """Files by path, and what goes wrong."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    has_ranges: bool = True
    cut: int | None = None  # bytes after which a body breaks off
    shift: int = 0  # added to the start of a range that a wrong server says
    requests: list[Seen] = field(default_factory=list)


class HubServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = Behaviour()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, name: str, content: object, repository: str = REPOSITORY) -> None:
        """Serve a file of the repository: bytes as they are, anything else as JSON."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.hub.files[address(name, repository)] = data


class _Handler(http.server.BaseHTTPRequestHandler):
    server: HubServer

    def do_GET(self) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        byte_range = self.headers.get("Range")
        hub.requests.append(Seen(path, byte_range, self.headers.get("Authorization")))
        if path in hub.redirects:
            return self._send(302, {"Location": hub.redirects[path]}, b"")
        if path in hub.statuses or path not in hub.files:
            return self._send(hub.statuses.get(path, 404), {}, b"no")
        content = hub.files[path]
        if not (byte_range and hub.has_ranges):
            return self._send(200, {}, content)
        first, last = (int(number) for number in byte_range.removeprefix("bytes=").split("-"))
        part = content[first : last + 1]
        content_range = f"bytes {first + hub.shift}-{first + len(part) - 1}/{len(content)}"
        return self._send(206, {"Content-Range": content_range}, part)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut = self.server.hub.cut
        try:
            self.wfile.write(content[:cut])
        except (BrokenPipeError, ConnectionResetError):  # a client that has read enough
            self.close_connection = True
        self.close_connection = self.close_connection or cut is not None

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def hub_serving() -> Iterator[HubServer]:
    with HubServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
