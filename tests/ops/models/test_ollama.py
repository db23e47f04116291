"""The client of the API of an Ollama."""

import json
from typing import Any

import httpx
import pytest

from ops.models import ollama
from ops.models.inventory import ModelError

DIGEST = f"sha256:{64 * 'a'}"


class Server(list[tuple[str, Any]]):
    """The requests of a client; each response is the next of *responses*, a line for each of its documents."""

    def __init__(self, *responses: list[dict[str, Any]], status: int = 200) -> None:
        super().__init__()
        self.responses, self.status = list(responses), status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.append((request.url.path, json.loads(request.content) if request.content else None))
        lines = "".join(f"{json.dumps(document)}\n" for document in self.responses.pop(0))
        return httpx.Response(self.status, text=lines)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url="http://ollama", transport=httpx.MockTransport(self))


LAYERS: list[dict[str, Any]] = [
    {"status": "pulling manifest"},
    {"status": f"pulling {DIGEST[:19]}", "digest": DIGEST, "total": 100},
    {"status": f"pulling {DIGEST[:19]}", "digest": DIGEST, "total": 100, "completed": 100},
    {"status": "verifying sha256 digest"},
]


def test_a_pull_reports_the_progress_of_each_layer() -> None:
    server = Server([*LAYERS, {"status": "success"}])
    with server.http() as http:
        assert list(ollama.pull(http, "qwen3:8b")) == [
            {"file": DIGEST, "done": 0, "size": 100},
            {"file": DIGEST, "done": 100, "size": 100},
        ]
    assert server == [("/api/pull", {"model": "qwen3:8b", "stream": True})]


def test_an_incomplete_pull_is_a_failure() -> None:
    with Server(LAYERS).http() as http, pytest.raises(ModelError, match="ended the download before it was complete"):
        list(ollama.pull(http, "qwen3:8b"))


@pytest.mark.parametrize("status", [200, 500])
def test_the_message_of_ollama_is_shown(status: int) -> None:
    response = [{"error": "pull model manifest: file does not exist"}]
    with (
        Server(response, status=status).http() as http,
        pytest.raises(ModelError, match="error of Ollama: pull model manifest"),
    ):
        list(ollama.pull(http, "nobody"))


def test_a_model_is_loaded_and_unloaded() -> None:
    server = Server([{"done": True}], [{"done": True, "done_reason": "unload"}])
    with server.http() as http:
        ollama.keep_alive(http, "m", ollama.UNLIMITED)
        ollama.keep_alive(http, "m", ollama.UNLOAD)
    assert [body["keep_alive"] for _, body in server] == [-1, 0]


def test_names_are_those_of_the_stack_file() -> None:
    with Server([{"models": [{"name": "mxbai-embed-large:latest"}, {"name": "llama3.1:8b"}]}]).http() as http:
        assert ollama.names(http, "/api/tags") == {"mxbai-embed-large", "llama3.1:8b"}
    with Server([{"nothing": 1}]).http() as http, pytest.raises(ModelError, match="does not list its models"):
        ollama.names(http, "/api/ps")
