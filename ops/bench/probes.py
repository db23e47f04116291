"""Probes: one request of each task, with its times in milliseconds and its throughput per second."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from typing import Final

from infra.settings.services import Task
from ops.bench.endpoints import GATEWAY, ModelEndpoint
from ops.errors import DisconnectedError, WrongAnswerError
from ops.gateway.client import GatewayClient, parse
from ops.gateway.responses import ChatChunk, EmbeddingsResponse
from ops.smoke import sounds
from ops.smoke.recordings import SENTENCE

PROMPT: Final = "Describe the sea to somebody who has never seen it, in a hundred words."
MOST_CLOSED: Final = 20
"""Attempts at a request: more than the connections that earlier requests may have left."""
ALIVE: Final = "/livez"
"""Path of the gateway that asks no server behind it."""
Figures = Mapping[str, float]
LATENCY: Final[Mapping[Task, str]] = {"chat": "first_token_ms", "embeddings": "latency_ms", "speech": "latency_ms"}
"""The figure of each task that the gateway adds to."""


def probe(endpoint: ModelEndpoint, tokens: int) -> Figures:
    """Send one request. Raises WrongAnswerError, also where a fallback of the route has served it.

    It is repeated where its connection turns out to be closed: llama-server's router closes one after each stream, and
    a forwarded port reports that a second later.
    """
    for _ in range(MOST_CLOSED):
        with suppress(DisconnectedError):
            _connect(endpoint)
            return _probe_once(endpoint, tokens)
    raise WrongAnswerError(f"{endpoint.model}: {endpoint.through} closed {MOST_CLOSED} connections in a row")


def _connect(endpoint: ModelEndpoint) -> None:
    """Send a request that is not measured, so that the one that is needs no new connection."""
    path = ALIVE if endpoint.through == GATEWAY else endpoint.service.backend.health
    GatewayClient(endpoint.http, endpoint.http.timeout.read or 0).content("GET", path)


def _probe_once(endpoint: ModelEndpoint, tokens: int) -> Figures:
    client = GatewayClient(endpoint.http, endpoint.http.timeout.read or 0)
    figures = PROBES[endpoint.task](endpoint, client, tokens)
    if client.fallback_backend:
        raise WrongAnswerError(
            f"{endpoint.model}: the fallback {client.fallback_backend} served in place of "
            f"{endpoint.service.service_name}"
        )
    return figures


def _chat(endpoint: ModelEndpoint, client: GatewayClient, tokens: int) -> Figures:
    body = {
        "model": endpoint.name,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    chunks = [(event.at_s, parse(ChatChunk, event.data)) for event in client.events("/v1/chat/completions", body)]
    times = [at_s for at_s, chunk in chunks if any(choice.delta.text for choice in chunk.choices)]
    counts = [chunk.usage.completion_tokens for _, chunk in chunks if chunk.usage]
    if not times or not counts:
        raise WrongAnswerError(f"{endpoint.model}: {len(times)} chunks with text, {len(counts)} with a count of tokens")
    after_first_s = max(times[-1] - times[0], 1e-6)
    figures = {"first_token_ms": times[0] * 1000, "tokens": float(counts[-1])}
    if len(times) > 1 and counts[-1] > 1:
        later = counts[-1] - 1
        figures |= {"between_tokens_ms": after_first_s * 1000 / later, "tokens_per_s": later / after_first_s}
    return figures


def _embeddings(endpoint: ModelEndpoint, client: GatewayClient, _: int) -> Figures:
    body = {"model": endpoint.name, "input": SENTENCE}
    response = client.json(EmbeddingsResponse, "POST", "/v1/embeddings", json=body)
    if not response.data or not response.data[0].embedding:
        raise WrongAnswerError(f"{endpoint.model}: the response has no vector")
    return {"latency_ms": client.seconds * 1000, "texts_per_s": 1 / client.seconds}


def _speech(endpoint: ModelEndpoint, client: GatewayClient, _: int) -> Figures:
    body = {"model": endpoint.name, "input": SENTENCE, "voice": endpoint.voice, "response_format": "wav"}
    sound = sounds.read(client.content("POST", "/v1/audio/speech", json=body))
    return {"latency_ms": client.seconds * 1000, "sound_per_s": sound.seconds / client.seconds}


PROBES: Final[Mapping[Task, Callable[[ModelEndpoint, GatewayClient, int], Figures]]] = {
    "chat": _chat,
    "embeddings": _embeddings,
    "speech": _speech,
}


def probe_concurrently(endpoint: ModelEndpoint, tokens: int, clients: int) -> Figures:
    """Return the throughput of *clients* concurrent requests together. Raises WrongAnswerError."""
    start = perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        results = list(threads.map(lambda _: probe(endpoint, tokens), range(clients)))
    seconds = perf_counter() - start
    return {"crowd_per_s": sum(_output(endpoint, figures) for figures in results) / seconds}


def _output(endpoint: ModelEndpoint, figures: Figures) -> float:
    """Return the output of one request: tokens, texts, or seconds of sound."""
    if endpoint.task == "chat":
        return figures["tokens"]
    return figures["sound_per_s"] * figures["latency_ms"] / 1000 if endpoint.task == "speech" else 1.0
