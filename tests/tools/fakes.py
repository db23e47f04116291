"""A fake release server and a fake Go compiler."""

import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Writes a program to the path of `-o`, and a line per call to calls.txt beside itself.
FAKE_GO = """#!/bin/sh
echo "$GOFLAGS $CGO_ENABLED $GOWORK $PWD $*" >> "{calls}"
while [ "$1" != "-o" ]; do shift; done
{wait}
printf '%s' '#!/bin/sh
echo hello v1.2.3' > "$2"
chmod +x "$2"
"""


@dataclass
class ReleaseServer:
    """A web server on loopback with files; it records the requested paths."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    missing_bytes: int = 0  # bytes at the end of each file that are not sent


@contextmanager
def release_server() -> Iterator[ReleaseServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append(self.path)
            content = server.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"") + server.missing_bytes))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = ReleaseServer(f"http://127.0.0.1:{listener.server_port}")
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        yield server
        listener.shutdown()
        thread.join()


def install_go(folder: Path, wait: str = "") -> Path:
    calls = folder / "calls.txt"
    write_program(folder / "go", FAKE_GO.format(calls=calls, wait=wait))
    return calls


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def archive(contents: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
