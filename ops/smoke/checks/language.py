"""Checks of embeddings, reranking and chat."""

import math
from collections.abc import Sequence

from ops.errors import WrongAnswerError
from ops.gateway.client import parse
from ops.gateway.responses import ChatChunk, ChatResponse, EmbeddingsResponse, RerankResponse
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import OTHER_SENTENCE, SENTENCE

PROMPT = "Which colour does the sky have on a clear day? Answer with one word."
MAX_TOKENS = 24
ALIKE = 0.999
"""The least cosine of a text with itself: engines that batch round differently."""
SHOWN = 32


def embedding(context: CheckContext) -> Figures:
    """Embed the same text twice and another once: equal texts must have equal directions, other texts must not."""
    body = _with_model(context, input=[SENTENCE] * 2 + [OTHER_SENTENCE])
    response = context.client.json(EmbeddingsResponse, "POST", "/v1/embeddings", json=body)
    vectors = [entry.embedding for entry in response.data]
    sizes = {len(vector) for vector in vectors}
    if len(vectors) != 3 or len(sizes) != 1 or not all(any(vector) for vector in vectors):
        raise WrongAnswerError(f"3 texts gave {len(vectors)} vectors of {sorted(sizes)} numbers, or only zeros")
    same, other = cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2])
    if same < ALIKE or other >= same:
        raise WrongAnswerError(f"the vectors of one text have a cosine of {same:.3f}, those of two texts {other:.3f}")
    return {"dimensions": sizes.pop(), "another_text": round(other, 3)}


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(left, right, strict=True))
    return product / (math.hypot(*left) * math.hypot(*right))


def rerank(context: CheckContext) -> Figures:
    """Rank two documents, the second of which is the query itself: it must have the higher score."""
    body = _with_model(context, query=SENTENCE, documents=[OTHER_SENTENCE, SENTENCE])
    response = context.client.json(RerankResponse, "POST", "/v1/rerank", json=body)
    scores = {result.index: result.relevance_score for result in response.results}
    if scores.keys() != {0, 1}:
        raise WrongAnswerError(f"2 documents gave the scores of {sorted(scores)}; those of 0 and 1 expected")
    if scores[1] <= scores[0]:
        raise WrongAnswerError(f"the query itself scores {scores[1]:.3f}, and another text {scores[0]:.3f}")
    return {"itself": round(scores[1], 3), "another_text": round(scores[0], 3)}


def chat(context: CheckContext) -> Figures:
    """Check a response in one piece: it must have text, and a count of tokens."""
    response = context.client.json(ChatResponse, "POST", "/v1/chat/completions", json=_chat_request(context))
    text = response.choices[0].message.text if response.choices else ""
    if not text or not response.usage.completion_tokens:
        raise WrongAnswerError(f"{response.usage.completion_tokens} tokens, with the text {text!r}")
    return {"said": _shorten(text), "tokens": response.usage.completion_tokens}


def streamed(context: CheckContext) -> Figures:
    """Check a streamed response, and measure the time to its first token."""
    body = _chat_request(context) | {"stream": True, "stream_options": {"include_usage": True}}
    # An error that ends a stream comes as an event too, which is no ChatChunk.
    events = context.client.events("/v1/chat/completions", body)
    chunks = [(event.at_s, parse(ChatChunk, event.data)) for event in events]
    times = [at_s for at_s, chunk in chunks for choice in chunk.choices if choice.delta.text]
    counts = [chunk.usage.completion_tokens for _, chunk in chunks if chunk.usage]
    if not times or not counts:
        raise WrongAnswerError(f"{len(chunks)} events, {len(times)} of them with text, {len(counts)} with usage")
    return {"first_token_ms": round(times[0] * 1000), "tokens": counts[-1], "parts": len(times)}


def _chat_request(context: CheckContext) -> dict[str, object]:
    messages = [{"role": "user", "content": PROMPT}]
    return _with_model(context, messages=messages, max_tokens=MAX_TOKENS, temperature=0)


def _with_model(context: CheckContext, **body: object) -> dict[str, object]:
    return body if context.model is None else {"model": context.model, **body}


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


CHECKS = (
    SmokeCheck(name="embedding", run=embedding, needs=("embeddings",), each="embeddings"),
    SmokeCheck(name="chat", run=chat, needs=("chat",), each="chat"),
    SmokeCheck(name="chat streamed", run=streamed, needs=("chat",), each="chat"),
    SmokeCheck(name="rerank", run=rerank, needs=("rerank",), each="rerank"),
)
