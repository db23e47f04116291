"""English on a topic: tests whether a text is a sentence of English that says something about a topic."""

import re
from collections.abc import Sequence
from typing import Final

from ops.errors import WrongAnswerError
from ops.smoke.bounds import at_least
from ops.smoke.check import Figures

MIN_WORDS: Final = 8
MIN_COMMON_SHARE: Final = 0.25
"""Least share of COMMON among the words: English sentences have 0.35 to 0.6, other languages 0.1 at most."""
MIN_DISTINCT_SHARE: Final = 0.4
"""Least share of different words: a model that repeats itself has less."""
_COMMON: Final = """
a about also an and are as at be been but by can for from has have if in into is it its make many more most not of on
one or other our out people such that the their them there these they this to up use used was we when where which who
will with you your
"""
COMMON: Final = frozenset(_COMMON.split())
SHOWN: Final = 60


def on_topic(text: str, topic: Sequence[str]) -> Figures:
    """Return figures of *text*. Raises WrongAnswerError unless it is English and contains a word of *topic*."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    shown = excerpt(text)
    count = max(1, len(words))
    figures = {
        "answer": shown,
        **at_least("words", len(words), MIN_WORDS, repr(shown)),
        **at_least(
            "common_words", len([word for word in words if word in COMMON]) / count, MIN_COMMON_SHARE, repr(shown)
        ),
        **at_least("different_words", len(set(words)) / count, MIN_DISTINCT_SHARE, repr(shown)),
    }
    if not (mentioned := [word for word in topic if word in words]):
        raise WrongAnswerError(f"the answer mentions none of {', '.join(topic)}: {shown!r}")
    return {**figures, "topic": mentioned[0]}


def excerpt(text: str) -> str:
    """Return the beginning of *text* as one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
