"""Clients that send requests continuously on kept connections."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

CLIENTS = 3
"""Number of clients for each kind of request."""
Send = Callable[[httpx.Client], object]


def embed(http: httpx.Client) -> None:
    response = http.post("/v1/embeddings", json={"model": "all-MiniLM-L6-v2", "input": "rolling"})
    response.raise_for_status()
    assert len(response.json()["data"][0]["embedding"]) == 384


def chat(http: httpx.Client) -> None:
    """Request a stream, which takes a while."""
    body: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 48}
    with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as response:
        response.raise_for_status()
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"


def speak(http: httpx.Client) -> bool:
    """Request speech; return whether the fallback was used."""
    response = http.post("/tts/synthesize", json={"text": "seven six two zero"})
    assert response.status_code == 200, response.text
    assert response.content.startswith(b"RIFF")
    return bool(response.headers.get("x-synapse-fallback") == "1")


@contextmanager
def load(url: str, *sends: Send) -> Iterator[Counter[str]]:
    """Run the clients in the block; yield the count of each result: `ok`, or the error."""
    results: Counter[str] = Counter()
    done = threading.Event()
    threads = [
        threading.Thread(target=_client, args=(url, send, results, done)) for send in sends for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _client(url: str, send: Send, results: Counter[str], done: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as http:
        while not done.is_set():
            try:
                send(http)
            except (httpx.HTTPError, AssertionError) as error:
                results[f"{type(error).__name__}: {error}"] += 1
            else:
                results["ok"] += 1
