"""Job that downloads models: its script with a real curl, as the pod's user."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.upstream.container import Container, container
from tests.upstream.image import system
from tests.upstream.running import Surroundings, started
from tests.upstream.stack import objects
from tools.offline.debian import program

pytestmark = pytest.mark.usefixtures("privileged")
MODEL = b"GGUF" + bytes(range(256)) * 64
PORT = 8099
PATH = "/models/embeddings/model.gguf"


class Server(http.server.BaseHTTPRequestHandler):
    """Serve MODEL, and the rest of it where a client has the beginning."""

    def do_GET(self) -> None:
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(MODEL) - 1}/{len(MODEL)}")
        self.send_header("Content-Length", str(len(MODEL) - begin))
        self.end_headers()
        self.wfile.write(MODEL[begin:])

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the standard library's name
        pass


@contextmanager
def serving() -> Iterator[Surroundings]:
    """Serve the model on this machine, and yield the way to it from a pod's loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Surroundings(forwards={PORT: server.server_address[1]})
        finally:
            server.shutdown()
            thread.join()


def job() -> Container:
    """Return the Job of the stack's embedding model, for a model of the test."""
    (fetching,) = [
        each for each in objects() if each["kind"] == "Job" and each["metadata"]["name"].startswith("llama-embed")
    ]
    fetched = (f"http://127.0.0.1:{PORT}/model.gguf", PATH, str(len(MODEL)), hashlib.sha256(MODEL).hexdigest())
    return replace(container(objects(), fetching), arguments=fetched, environment={"ATTEMPTS": "1"})


@pytest.fixture(autouse=True)
def curl() -> None:
    program("curl")


@pytest.mark.parametrize("begun", [0, 1000])
def test_a_model_is_downloaded_and_a_part_of_it_is_resumed(tmp_path: Path, begun: int) -> None:
    begin = f"mkdir -p {PATH.rpartition('/')[0]}; head -c {begun} /dev/zero > {PATH}.part; "
    pod = job()
    shell, option, script, name = pod.command
    parted = replace(pod, command=(shell, option, begin + script, name))
    with serving() as surroundings, started(parted, system(), tmp_path, surroundings) as running:
        code, file = running.wait(), running.volume("/models") / PATH.removeprefix("/models/")
        if begun:  # zeros are not the beginning of the model: the digest says so
            assert code == 65, running.log
            assert not file.exists()
        else:
            assert code == 0, running.log
            assert file.read_bytes() == MODEL


def test_a_file_comes_from_the_image_where_its_address_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / "packaged").write_bytes(MODEL)
    pod, packaged = job(), "/packaged/embeddings/model.gguf"
    image = replace(system(), files={**system().files, packaged: tmp_path / "packaged"})
    both = replace(pod, arguments=(*pod.arguments, f"file://{packaged}", *pod.arguments[1:]))
    with started(both, image, tmp_path) as running:
        assert running.wait() == 0, running.log
        assert "trying its next source" in running.log
        assert (running.volume("/models") / PATH.removeprefix("/models/")).read_bytes() == MODEL


def test_no_network_is_a_failure(tmp_path: Path) -> None:
    with started(job(), system(), tmp_path) as running:
        assert running.wait() == 1, running.log
        assert "giving up" in running.log
