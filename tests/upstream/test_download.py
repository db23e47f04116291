"""Init container that downloads a model: its script with a real curl, as the pod's user."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.upstream.container import Container
from tests.upstream.image import system
from tests.upstream.running import ADDRESS, Running, started
from tests.upstream.stack import of_kind
from tools.offline.debian import program

pytestmark = pytest.mark.usefixtures("privileged")
MODEL = b"GGUF" + bytes(range(256)) * 64
PORT = 8099


class Server(http.server.SimpleHTTPRequestHandler):
    """Serve MODEL, and the rest of it where a client has the beginning."""

    def do_GET(self) -> None:
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(MODEL) - 1}/{len(MODEL)}")
        self.send_header("Content-Length", str(len(MODEL) - begin))
        self.end_headers()
        self.wfile.write(MODEL[begin:])

    def log_message(self, *arguments: object) -> None:
        pass


def download() -> Container:
    """Return the init container with an address that is in its own network."""
    container = of_kind("llama-embed", "download-0")
    environment = {**container.environment, "FROM": f"http://{ADDRESS}:{PORT}/model.gguf"}
    return replace(container, environment=environment)


@contextmanager
def serving(running: Running) -> Iterator[None]:
    server = running.call(http.server.ThreadingHTTPServer, (ADDRESS, PORT), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def target(running: Running) -> Path:
    return running.volume("/models") / running.container.environment["TO"].removeprefix("/models/")


@pytest.mark.parametrize("begun", [0, 1000])
def test_a_missing_file_is_downloaded_and_a_part_of_it_is_resumed(tmp_path: Path, begun: int) -> None:
    program("curl")
    script = 'until curl --silent --output /dev/null "$FROM"; do sleep 0.1; done; ' + download().command[-1]
    with started(replace(download(), command=("sh", "-ec", script)), system(), tmp_path) as running:
        part = target(running).with_name(f"{target(running).name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.parent.chmod(0o2777)
        part.write_bytes(MODEL[:begun])
        part.chmod(0o666)
        with serving(running):
            assert running.wait() == 0, running.log
        assert target(running).read_bytes() == MODEL
        assert not part.exists()


def test_a_file_that_is_there_needs_no_network(tmp_path: Path) -> None:
    path = f'mkdir -p "$(dirname "$TO")"; echo it > "$TO"; {download().command[-1]}'
    with started(replace(download(), command=("sh", "-ec", path)), system(), tmp_path) as running:
        assert running.wait() == 0, running.log
        assert target(running).read_text() == "it\n"


def test_no_network_is_a_failure(tmp_path: Path) -> None:
    with started(download(), system(), tmp_path) as running:
        assert running.wait() != 0
        assert not target(running).exists()
