"""Clients that ask again and again, on connections that they keep."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

CLIENTS = 3
"""Of each kind."""
Ask = Callable[[httpx.Client], object]


def embed(http: httpx.Client) -> None:
    answer = http.post("/v1/embeddings", json={"model": "all-MiniLM-L6-v2", "input": "rolling"})
    answer.raise_for_status()
    assert len(answer.json()["data"][0]["embedding"]) == 384


def chat(http: httpx.Client) -> None:
    """Streamed: it is under way for a while."""
    body: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 48}
    with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as answer:
        answer.raise_for_status()
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"


def speak(http: httpx.Client) -> bool:
    """Whether somebody stood in."""
    answer = http.post("/tts/synthesize", json={"text": "seven six two zero"})
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"RIFF")
    return bool(answer.headers.get("x-synapse-fallback") == "1")


@contextmanager
def load(url: str, *asks: Ask) -> Iterator[Counter[str]]:
    """What came of every question so far: `ok`, or what went wrong."""
    found: Counter[str] = Counter()
    done = threading.Event()
    threads = [threading.Thread(target=_client, args=(url, ask, found, done)) for ask in asks for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _client(url: str, ask: Ask, found: Counter[str], done: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        while not done.is_set():
            try:
                ask(http)
            except (httpx.HTTPError, AssertionError) as error:
                found[f"{type(error).__name__}: {error}"] += 1
            else:
                found["ok"] += 1
