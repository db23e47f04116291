"""Model files: generated, converted, and downloaded only with the pinned content."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from synapse_engines.errors import ModelBuildError
from synapse_engines.models import bigram, minilm
from synapse_engines.models.bigram import CHAT
from synapse_engines.models.build import build
from synapse_engines.models.download import INSTRUCT, PinnedFile, UnreachableError, download
from tests.ports import reserved_port

CONTENT = b"GGUF" + bytes(range(256)) * 5000


@contextmanager
def serve(content: bytes, length: int | None = None) -> Iterator[str]:
    """Serve *content*; the header may declare another *length*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/model.gguf"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pin(url: str, content: bytes = CONTENT) -> PinnedFile:
    return PinnedFile(name="chat", url=url, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def test_a_file_is_downloaded_once(tmp_path: Path) -> None:
    path = tmp_path / "chat.gguf"
    with serve(CONTENT) as url:
        pinned = pin(url)
        download(pinned, path)
    assert path.read_bytes() == CONTENT
    download(pinned, path)  # without a request: the server is stopped


@pytest.mark.parametrize(
    ("content", "length", "message"),
    [
        (CONTENT[:-1] + b"x", None, "SHA-256"),
        (CONTENT[:1000], None, "received 1000 bytes"),
        (CONTENT + b"more", None, r"received \d+ bytes"),
        (CONTENT[:1000], len(CONTENT), r"received \d+ bytes"),
    ],
    ids=["changed", "short", "long", "cut"],
)
def test_other_content_is_refused_and_deleted(tmp_path: Path, content: bytes, length: int | None, message: str) -> None:
    with serve(content, length) as url, pytest.raises(ModelBuildError, match=message):
        download(pin(url), tmp_path / "chat.gguf")
    assert list(tmp_path.iterdir()) == []


def test_the_generated_model_remains_if_the_download_fails(tmp_path: Path) -> None:
    lines: list[str] = []
    with reserved_port() as port:
        unreachable = pin(f"http://127.0.0.1:{port}/model.gguf")
        with pytest.raises(UnreachableError):
            download(unreachable, tmp_path / "none.gguf")
        build(tmp_path, lines.append, unreachable)
    assert (tmp_path / "chat/chat.gguf").read_bytes().startswith(b"GGUF")
    assert "remains the generated model" in lines[-1]


def test_a_download_replaces_the_generated_model(tmp_path: Path) -> None:
    with serve(CONTENT) as url:
        build(tmp_path, lambda _: None, pin(url))
    assert (tmp_path / "chat/chat.gguf").read_bytes() == CONTENT


def test_the_generated_model_is_reproducible(tmp_path: Path) -> None:
    for name in ("a", "b"):
        bigram.write(CHAT, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").stat().st_size < 2_000_000


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "DIGESTS", {**minilm.DIGESTS, "vocab.txt": "0" * 64})
    with pytest.raises(ModelBuildError, match=r"vocab\.txt: SHA-256"):
        minilm.write(tmp_path / "model.gguf")
    assert list(tmp_path.iterdir()) == []


def test_the_download_is_pinned_by_revision_and_digest() -> None:
    assert INSTRUCT.url.startswith("https://")
    assert len(INSTRUCT.sha256) == 64
    assert "/resolve/main/" not in INSTRUCT.url
