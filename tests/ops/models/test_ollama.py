"""Ollama's own API, as its clients see it."""

import json
from typing import Any

import httpx
import pytest

from ops.models import ollama
from ops.models.inventory import ModelError

DIGEST = f"sha256:{64 * 'a'}"


class Asked(list[tuple[str, Any]]):
    """What a client asked; every answer is the next of *answers*, a line for each of its documents."""

    def __init__(self, *answers: list[dict[str, Any]], status: int = 200) -> None:
        super().__init__()
        self.answers, self.status = list(answers), status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.append((request.url.path, json.loads(request.content) if request.content else None))
        lines = "".join(f"{json.dumps(document)}\n" for document in self.answers.pop(0))
        return httpx.Response(self.status, text=lines)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url="http://ollama", transport=httpx.MockTransport(self))


LAYERS: list[dict[str, Any]] = [
    {"status": "pulling manifest"},
    {"status": f"pulling {DIGEST[:19]}", "digest": DIGEST, "total": 100},
    {"status": f"pulling {DIGEST[:19]}", "digest": DIGEST, "total": 100, "completed": 100},
    {"status": "verifying sha256 digest"},
]


def test_a_pull_tells_how_far_each_layer_is() -> None:
    asked = Asked([*LAYERS, {"status": "success"}])
    with asked.http() as http:
        assert list(ollama.pull(http, "qwen3:8b")) == [
            {"file": DIGEST, "done": 0, "size": 100},
            {"file": DIGEST, "done": 100, "size": 100},
        ]
    assert asked == [("/api/pull", {"model": "qwen3:8b", "stream": True})]


def test_a_pull_that_breaks_off_is_a_failure() -> None:
    with Asked(LAYERS).http() as http, pytest.raises(ModelError, match="broke off before it had all of it"):
        list(ollama.pull(http, "qwen3:8b"))


@pytest.mark.parametrize("status", [200, 500])
def test_ollamas_own_words_are_told(status: int) -> None:
    said = [{"error": "pull model manifest: file does not exist"}]
    with Asked(said, status=status).http() as http, pytest.raises(ModelError, match="Ollama says: pull model manifest"):
        list(ollama.pull(http, "nobody"))


def test_a_model_is_held_and_let_go() -> None:
    asked = Asked([{"done": True}], [{"done": True, "done_reason": "unload"}])
    with asked.http() as http:
        ollama.hold(http, "m", ollama.FOREVER)
        ollama.hold(http, "m", ollama.NOT_A_MOMENT)
    assert [body["keep_alive"] for _, body in asked] == [-1, 0]


def test_names_are_those_of_the_stack_file() -> None:
    with Asked([{"models": [{"name": "mxbai-embed-large:latest"}, {"name": "llama3.1:8b"}]}]).http() as http:
        assert ollama.names(http, "/api/tags") == {"mxbai-embed-large", "llama3.1:8b"}
    with Asked([{"nothing": 1}]).http() as http, pytest.raises(ModelError, match="does not tell its models"):
        ollama.names(http, "/api/ps")
