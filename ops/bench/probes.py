"""One question of each kind, and its times: milliseconds, and what a second brings."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Final

from infra.settings.services import Task
from ops.bench.endpoints import Way
from ops.errors import WrongAnswerError
from ops.gateway.client import Asker, read
from ops.gateway.responses import Chunk, Embeddings
from ops.smoke.recordings import SENTENCE
from ops.smoke.sounds import read as read_sound

QUESTION: Final = "Describe the sea to somebody who has never seen it, in a hundred words."
Figures = Mapping[str, float]
TIME: Final[Mapping[Task, str]] = {"chat": "first_token_ms", "embeddings": "latency_ms", "speech": "latency_ms"}
"""The figure of each kind that what lies between adds to."""
YIELD: Final[Mapping[Task, str]] = {"chat": "tokens_per_s", "embeddings": "texts_per_s", "speech": "sound_per_s"}
"""What a second brings: seconds of sound, of speech."""


def ask(way: Way, tokens: int) -> Figures:
    """Raises WrongAnswerError, also where another than the first of the route has answered."""
    asker = Asker(way.http, way.http.timeout.read or 0)
    figures = ASKS[way.task](way, asker, tokens)
    if asker.stood_in:
        raise WrongAnswerError(f"{way.model}: {asker.stood_in} stood in for {way.service.service_name}")
    return figures


def _chat(way: Way, asker: Asker, tokens: int) -> Figures:
    body = {
        "model": way.name,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    chunks = [(event.at_s, read(Chunk, event.data)) for event in asker.events("/v1/chat/completions", body)]
    times = [at for at, chunk in chunks if any(choice.delta.text for choice in chunk.choices)]
    counted = [chunk.usage.completion_tokens for _, chunk in chunks if chunk.usage]
    if not times or not counted:
        raise WrongAnswerError(f"{way.model}: {len(times)} parts with text, {len(counted)} with a count of tokens")
    after = max(times[-1] - times[0], 1e-6)
    found = {"first_token_ms": times[0] * 1000, "tokens": float(counted[-1])}
    if len(times) > 1 and counted[-1] > 1:
        found |= {"between_tokens_ms": after * 1000 / (counted[-1] - 1), "tokens_per_s": (counted[-1] - 1) / after}
    return found


def _embed(way: Way, asker: Asker, _: int) -> Figures:
    found = asker.json(Embeddings, "POST", "/v1/embeddings", json={"model": way.name, "input": SENTENCE})
    if not found.data or not found.data[0].embedding:
        raise WrongAnswerError(f"{way.model}: no vector came back")
    return {"latency_ms": asker.seconds * 1000, "texts_per_s": 1 / asker.seconds}


def _speak(way: Way, asker: Asker, _: int) -> Figures:
    body = {"model": way.name, "input": SENTENCE, "voice": way.voice, "response_format": "wav"}
    sound = read_sound(asker.content("POST", "/v1/audio/speech", json=body))
    return {"latency_ms": asker.seconds * 1000, "sound_per_s": sound.seconds / asker.seconds}


ASKS: Final[Mapping[Task, Callable[[Way, Asker, int], Figures]]] = {
    "chat": _chat,
    "embeddings": _embed,
    "speech": _speak,
}


def crowd(way: Way, tokens: int, clients: int) -> Figures:
    """What *clients* that ask at once get in a second, all of them together. Raises WrongAnswerError."""
    began = perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        found = list(threads.map(lambda _: ask(way, tokens), range(clients)))
    seconds = perf_counter() - began
    return {"crowd_per_s": sum(_brought(way, figures) for figures in found) / seconds}


def _brought(way: Way, figures: Figures) -> float:
    """Tokens, texts, or seconds of sound."""
    if way.task == "chat":
        return figures["tokens"]
    return figures["sound_per_s"] * figures["latency_ms"] / 1000 if way.task == "speech" else 1.0
