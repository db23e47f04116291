"""An Ollama asked by its own API: to pull a model, to hold one in memory, to let it go.

https://docs.ollama.com/api. It resumes what broke off and checks digests by itself.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx

from ops.models.inventory import ModelError

FOREVER: Final = -1
NOT_A_MOMENT: Final = 0
SILENCE_S: Final = 120.0
"""The longest it may say nothing: it checks a large file's digest without a word."""
Event = dict[str, Any]


def pull(http: httpx.Client, name: str) -> Iterator[Event]:
    """How far each layer is, as events of a file. Raises ModelError."""
    ended = False
    for said in _streamed(http, "/api/pull", {"model": name, "stream": True}):
        ended = said.get("status") == "success"
        if "total" in said:
            yield {"file": said.get("digest", name), "done": said.get("completed", 0), "size": said["total"]}
    if not ended:
        raise ModelError(f"{name}: Ollama broke off before it had all of it; run this again, and it goes on there")


def hold(http: httpx.Client, name: str, seconds: int) -> None:
    """Load a model for so long, or FOREVER; NOT_A_MOMENT lets it go. Raises ModelError."""
    for _ in _streamed(http, "/api/generate", {"model": name, "keep_alive": seconds, "stream": False}):
        pass


def names(http: httpx.Client, path: str) -> set[str]:
    """The models of `/api/tags`, which are on its disk, or of `/api/ps`, which are in memory. Raises ModelError."""
    try:
        answer = http.get(path).raise_for_status().json()
        return {_plain(found["name"]) for found in answer["models"]}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"Ollama does not tell its models: {error}") from error


def _plain(name: str) -> str:
    return name.removesuffix(":latest")


def _streamed(http: httpx.Client, path: str, body: dict[str, Any]) -> Iterator[Event]:
    try:
        with http.stream("POST", path, json=body, timeout=SILENCE_S) as answer:
            if answer.is_error:
                answer.read()
            for line in answer.iter_lines():
                said = json.loads(line)
                if "error" in said:
                    raise ModelError(f"{body['model']}: Ollama says: {said['error']}")
                yield said
            answer.raise_for_status()
    except (httpx.HTTPError, ValueError) as error:
        raise ModelError(f"{body['model']}: Ollama does not answer as it should: {error}") from error
