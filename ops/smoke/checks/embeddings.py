"""Checks of embeddings and reranking."""

import math
from collections.abc import Sequence
from typing import Final

from ops.errors import WrongAnswerError
from ops.gateway.responses import EmbeddingsResponse, RerankResponse
from ops.smoke.bounds import at_least
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import OTHER_SENTENCE, SENTENCE

MIN_SAME: Final = 0.999
"""Least cosine of a text with itself: engines that batch round differently."""
MIN_MARGIN: Final = 0.05
"""Least difference between the cosine of a relevant text and that of the nearest irrelevant one."""
RANKED: Final = (
    (
        "How do I bake bread at home?",
        "Mix flour, water and yeast, let the dough rise, then put it into a hot oven.",
        (
            "The train to Berlin leaves at nine in the morning.",
            "Our team lost the football match in the last minute.",
            "The bank raised its interest rate again this year.",
        ),
    ),
    (
        "My car does not start in the morning.",
        "A weak battery is the usual reason why an engine fails to turn over.",
        (
            "Tulips need sunlight and a little water every week.",
            "She plays the violin in a small orchestra.",
            "The museum shows paintings of the seventeenth century.",
        ),
    ),
    (
        "Which animal says meow?",
        "Cats purr, and they like to chase mice.",
        (
            "The contract ends on the last day of March.",
            "Fresh snow closed the road over the mountain.",
            "He paid for the coffee with a card.",
        ),
    ),
)
"""Query, relevant text, irrelevant texts; the relevant one shares no word of meaning with its query."""


def embedding(context: CheckContext) -> Figures:
    """Embed the same text twice and another once: equal texts must have equal directions, other texts must not."""
    vectors = _vectors(context, [SENTENCE, SENTENCE, OTHER_SENTENCE])
    same, other = cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2])
    if not other < same:
        raise WrongAnswerError(f"the vectors of one text have a cosine of {same:.3f}, those of two texts {other:.3f}")
    reason = "the cosine of two vectors of one text"
    return {
        "dimensions": len(vectors[0]),
        **at_least("same_text", same, MIN_SAME, reason),
        "another_text": round(other, 3),
    }


def ranking(context: CheckContext) -> Figures:
    """Rank texts by their cosine with a query: the relevant one must come first, by MIN_MARGIN."""
    margins = {query: _margin(context, query, relevant, others) for query, relevant, others in RANKED}
    worst = min(margins, key=lambda query: margins[query])
    return {"queries": len(margins), **at_least("margin", margins[worst], MIN_MARGIN, worst)}


def _margin(context: CheckContext, query: str, relevant: str, others: Sequence[str]) -> float:
    vectors = _vectors(context, [query, relevant, *others])
    first, *rest = (cosine(vectors[0], vector) for vector in vectors[1:])
    return first - max(rest)


def _vectors(context: CheckContext, texts: Sequence[str]) -> list[list[float]]:
    """Return the vectors of *texts*. Raises WrongAnswerError where one is missing, has another size or is zero."""
    body = _with_model(context, input=texts)
    response = context.client.json(EmbeddingsResponse, "POST", "/v1/embeddings", json=body)
    vectors = [entry.embedding for entry in response.data]
    sizes = {len(vector) for vector in vectors}
    if len(vectors) != len(texts) or len(sizes) != 1 or not all(any(vector) for vector in vectors):
        count = len(texts)
        raise WrongAnswerError(f"{count} texts gave {len(vectors)} vectors of {sorted(sizes)} numbers, or only zeros")
    return vectors


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
    if not scores[1] > scores[0]:
        raise WrongAnswerError(f"the query itself scores {scores[1]:.3f}, and another text {scores[0]:.3f}")
    return {"itself": round(scores[1], 3), "another_text": round(scores[0], 3)}


def _with_model(context: CheckContext, **body: object) -> dict[str, object]:
    return body if context.model is None else {"model": context.model, **body}


CHECKS = (
    SmokeCheck(name="embedding", run=embedding, needs=("embeddings",), each="embeddings"),
    SmokeCheck(name="embedding ranking", run=ranking, needs=("embeddings",), each="embeddings"),
    SmokeCheck(name="rerank", run=rerank, needs=("rerank",), each="rerank"),
)
