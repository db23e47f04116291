"""Models as files: generated, converted, and fetched only if they are what they should be."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from synapse_engines.models import bigram, making, minilm
from synapse_engines.models.fetch import AwayError, fetch
from synapse_engines.models.minilm import ModelError
from synapse_engines.models.pins import INSTRUCT, Pin
from synapse_engines.models.samples import CHAT
from tests.ports import reserved_port

CONTENT = b"GGUF" + bytes(range(256)) * 5000


@contextmanager
def served(content: bytes, length: int | None = None) -> Iterator[str]:
    """A server of *content*, which may claim another *length*."""

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


def pin(url: str, content: bytes = CONTENT) -> Pin:
    return Pin(name="chat", url=url, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    path = tmp_path / "chat.gguf"
    with served(CONTENT) as url:
        wanted = pin(url)
        fetch(wanted, path)
    assert path.read_bytes() == CONTENT
    fetch(wanted, path)  # nobody is asked: nobody answers there any more


@pytest.mark.parametrize(
    ("content", "length", "words"),
    [
        (CONTENT[:-1] + b"x", None, "SHA-256"),
        (CONTENT[:1000], None, "1000 bytes came"),
        (CONTENT + b"more", None, "bytes came"),
        (CONTENT[:1000], len(CONTENT), "bytes came"),
    ],
    ids=["changed", "short", "long", "cut"],
)
def test_another_content_is_refused_and_leaves_nothing(
    tmp_path: Path, content: bytes, length: int | None, words: str
) -> None:
    with served(content, length) as url, pytest.raises(ModelError, match=words):
        fetch(pin(url), tmp_path / "chat.gguf")
    assert list(tmp_path.iterdir()) == []


def test_without_a_way_to_it_the_generated_model_stays(tmp_path: Path) -> None:
    said: list[str] = []
    with reserved_port() as port:
        away = pin(f"http://127.0.0.1:{port}/model.gguf")
        with pytest.raises(AwayError):
            fetch(away, tmp_path / "none.gguf")
        making.make(tmp_path, said.append, away)
    assert (tmp_path / "chat/chat.gguf").read_bytes().startswith(b"GGUF")
    assert "stays the generated one" in said[-1]


def test_what_is_fetched_takes_the_place_of_the_generated_one(tmp_path: Path) -> None:
    with served(CONTENT) as url:
        making.make(tmp_path, lambda _: None, pin(url))
    assert (tmp_path / "chat/chat.gguf").read_bytes() == CONTENT


def test_the_generated_model_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        bigram.write(CHAT, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").stat().st_size < 2_000_000


def test_weights_that_were_changed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "DIGESTS", {**minilm.DIGESTS, "vocab.txt": "0" * 64})
    with pytest.raises(ModelError, match=r"vocab\.txt: SHA-256"):
        minilm.write(tmp_path / "model.gguf")
    assert list(tmp_path.iterdir()) == []


def test_the_pin_is_whole() -> None:
    assert INSTRUCT.url.startswith("https://")
    assert len(INSTRUCT.sha256) == 64
    assert "/resolve/main/" not in INSTRUCT.url
