"""Embeddings and chat."""

import math
from collections.abc import Sequence

from ops.errors import WrongAnswerError
from ops.gateway.client import Event, read
from ops.gateway.responses import Chat, Chunk, Embeddings
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.recordings import OTHER_SENTENCE, SENTENCE

QUESTION = "Which colour does the sky have on a clear day? Answer with one word."
MOST_TOKENS = 24
ALIKE = 0.999
"""The least cosine of a text with itself: engines that batch round differently."""
MOST_SHOWN = 32


def embedding(talk: Talk) -> Figures:
    """The same text twice is one direction, another text another."""
    found = talk.ask.json(
        Embeddings, "POST", "/v1/embeddings", json=_named(talk, input=[SENTENCE] * 2 + [OTHER_SENTENCE])
    )
    vectors = [entry.embedding for entry in found.data]
    sizes = {len(vector) for vector in vectors}
    if len(vectors) != 3 or len(sizes) != 1 or not all(any(vector) for vector in vectors):
        raise WrongAnswerError(f"3 texts gave {len(vectors)} vectors of {sorted(sizes)} numbers, or only zeros")
    same, other = cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2])
    if same < ALIKE or other >= same:
        raise WrongAnswerError(f"a text is {same:.3f} like itself and {other:.3f} like another")
    return {"dimensions": sizes.pop(), "another_text": round(other, 3)}


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(left, right, strict=True))
    return product / (math.hypot(*left) * math.hypot(*right))


def chat(talk: Talk) -> Figures:
    """A whole answer, in tokens that were counted."""
    found = talk.ask.json(Chat, "POST", "/v1/chat/completions", json=_asked(talk))
    text = found.choices[0].message.text if found.choices else ""
    if not text or not found.usage.completion_tokens:
        raise WrongAnswerError(f"{found.usage.completion_tokens} tokens, which say {text!r}")
    return {"said": _short(text), "tokens": found.usage.completion_tokens}


def streamed(talk: Talk) -> Figures:
    """An answer in parts, and when its first came."""
    body = _asked(talk) | {"stream": True, "stream_options": {"include_usage": True}}
    chunks = [(event, _chunk(event)) for event in talk.ask.events("/v1/chat/completions", body)]
    parts = [
        (event.at_s, choice.delta.text) for event, chunk in chunks for choice in chunk.choices if choice.delta.text
    ]
    counted = [chunk.usage.completion_tokens for _, chunk in chunks if chunk.usage]
    if not parts or not counted:
        raise WrongAnswerError(f"{len(chunks)} events, {len(parts)} of them with text, {len(counted)} with usage")
    return {"first_token_ms": round(parts[0][0] * 1000), "tokens": counted[-1], "parts": len(parts)}


def _asked(talk: Talk) -> dict[str, object]:
    return _named(talk, messages=[{"role": "user", "content": QUESTION}], max_tokens=MOST_TOKENS, temperature=0)


def _named(talk: Talk, **body: object) -> dict[str, object]:
    return body if talk.model is None else {"model": talk.model, **body}


def _chunk(event: Event) -> Chunk:
    """Raises WrongAnswerError, also for the frame that says why a stream broke off."""
    return read(Chunk, event.data)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"


CHECKS = (
    Check(name="embedding", ask=embedding, needs=("embeddings",), each="embeddings"),
    Check(name="chat", ask=chat, needs=("chat",), each="chat"),
    Check(name="chat streamed", ask=streamed, needs=("chat",), each="chat"),
)
