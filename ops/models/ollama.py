"""Client of the API of an Ollama (https://docs.ollama.com/api): pull, load, unload and list models.

Ollama itself resumes a download and checks its digests.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx

from ops.models.inventory import ModelError

UNLIMITED: Final = -1
UNLOAD: Final = 0
READ_TIMEOUT_S: Final = 120.0
"""Ollama sends nothing while it checks the digest of a large file."""
OllamaStatus = dict[str, Any]


def pull(http: httpx.Client, name: str) -> Iterator[dict[str, Any]]:
    """Pull a model and yield the progress of each layer, as events of a file. Raises ModelError."""
    is_complete = False
    for status in _stream(http, "/api/pull", {"model": name, "stream": True}):
        is_complete = status.get("status") == "success"
        if "total" in status:
            yield {"file": status.get("digest", name), "done": status.get("completed", 0), "size": status["total"]}
    if not is_complete:
        raise ModelError(f"{name}: Ollama ended the download before it was complete; run this again to continue it")


def keep_alive(http: httpx.Client, name: str, seconds: int) -> None:
    """Load a model and keep it for *seconds* after its last use, or UNLIMITED; UNLOAD removes it. Raises ModelError."""
    for _ in _stream(http, "/api/generate", {"model": name, "keep_alive": seconds, "stream": False}):
        pass


def names(http: httpx.Client, path: str) -> set[str]:
    """Return the models on its disk (`/api/tags`) or in memory (`/api/ps`). Raises ModelError."""
    try:
        response = http.get(path).raise_for_status().json()
        return {_without_tag(model["name"]) for model in response["models"]}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"Ollama does not list its models: {error}") from error


def _without_tag(name: str) -> str:
    return name.removesuffix(":latest")


def _stream(http: httpx.Client, path: str, body: dict[str, Any]) -> Iterator[OllamaStatus]:
    try:
        with http.stream("POST", path, json=body, timeout=READ_TIMEOUT_S) as response:
            if response.is_error:
                response.read()
            for line in response.iter_lines():
                status = json.loads(line)
                if "error" in status:
                    raise ModelError(f"{body['model']}: error of Ollama: {status['error']}")
                yield status
            response.raise_for_status()
    except (httpx.HTTPError, ValueError) as error:
        raise ModelError(f"{body['model']}: the request to Ollama failed: {error}") from error
