"""Segments of a text: pieces of whole sentences, small enough to be synthesized one by one.

The first segment is one sentence, so that its sound is ready early; later ones grow, because longer ones sound better.
"""

import re
from collections.abc import Iterator

MAX_CHARACTERS = 200
"""Length of a segment; the memory of a synthesis grows with it."""
FIRST_CHARACTERS = 60
"""Length up to which short sentences are joined to the first one."""
GROWTH = 0.6
"""Share of the text before a segment that the segment may have in addition to the length of the first one.

While a segment is synthesized, the sound of those before it is played: with a model that takes 0.6 s for each second of
sound, and this share, a listener hears no gap.
"""
SENTENCE_PAUSE_S, CLAUSE_PAUSE_S = 0.25, 0.1
SENTENCE_MARKS, CLAUSE_MARKS = ".!?\u2026\u3002\uff01\uff1f\u0964", ",;:\u2014"
CLOSING_MARKS = "\"')]\u201d\u2019\u00bb"
TITLES = ("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "sra", "dra", "rev", "gen", "col", "capt", "lt", "hon")
SHORT_FORMS = ("vs", "no", "vol", "fig", "inc", "ltd", "co", "dept", "est", "approx", "cf", "e.g", "i.e", "eg", "ie")
ABBREVIATIONS = frozenset((*TITLES, *SHORT_FORMS))
"""Words whose full stop does not end a sentence."""
_BREAK = re.compile(r"\n\s*(?:\n|(?=[-*\u2022]\s))")
_SENTENCE_END = re.compile(rf"[{SENTENCE_MARKS}]+[{re.escape(CLOSING_MARKS)}]*(?=\s|$)|[\u3002\uff01\uff1f]+")
_CLAUSE = re.compile(rf"(?<=[{CLAUSE_MARKS}])\s+")


def segments(text: str, limit: int = MAX_CHARACTERS) -> list[str]:
    """Return the segments of *text*, each at most *limit* characters; empty if *text* has no letter and no digit."""
    pieces = [piece for sentence in sentences(text) for piece in _cut(sentence, limit)]
    return _join([piece for piece in pieces if _is_spoken(piece)], limit)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of *text*; a blank line and an item of a list begin a new one."""
    for paragraph in _BREAK.split(text):
        words = " ".join(_printable(paragraph).split())
        start = 0
        for match in _SENTENCE_END.finditer(words):
            if _ends_sentence(words, match):
                yield words[start : match.end()].strip()
                start = match.end()
        if rest := words[start:].strip():
            yield rest


def pause_after(segment: str) -> float:
    """Return the seconds of silence between *segment* and the next one."""
    mark = segment.rstrip(CLOSING_MARKS)[-1:]
    if mark and mark in CLAUSE_MARKS:
        return CLAUSE_PAUSE_S
    return SENTENCE_PAUSE_S if mark and mark in SENTENCE_MARKS else 0.0


def _printable(text: str) -> str:
    """Return *text* with spaces in place of control characters, at which espeak-ng would stop."""
    return "".join(character if character.isprintable() else " " for character in text)


def _is_spoken(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    if match[0] != ".":
        return True
    word = text[: match.start()].rpartition(" ")[2].lstrip("(\"'").lower()
    if word in ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return False
    return not text[match.end() :].lstrip()[:1].islower()


def _cut(sentence: str, limit: int) -> Iterator[str]:
    """Yield *sentence* in parts of at most *limit* characters: cut at clauses, else at words, else anywhere."""
    if len(sentence) <= limit:
        yield sentence
        return
    clauses = _CLAUSE.split(sentence)
    parts = clauses if len(clauses) > 1 else sentence.split(" ")
    if len(parts) == 1:
        yield from (sentence[start : start + limit] for start in range(0, len(sentence), limit))
        return
    for part in _pack(parts, limit):
        yield from _cut(part, limit)


def _pack(parts: list[str], limit: int) -> Iterator[str]:
    """Yield *parts* joined as far as *limit* allows; a longer part stays alone."""
    text = parts[0]
    for part in parts[1:]:
        if len(text) + 1 + len(part) > limit:
            yield text
            text = part
        else:
            text = f"{text} {part}"
    yield text


def _join(pieces: list[str], limit: int) -> list[str]:
    """Join *pieces* to segments that grow from one sentence to *limit*."""
    joined: list[str] = []
    for piece in pieces:
        if joined and len(joined[-1]) + 1 + len(piece) <= min(limit, _room(joined)):
            joined[-1] = f"{joined[-1]} {piece}"
        else:
            joined.append(piece)
    return joined


def _room(joined: list[str]) -> float:
    """Return the length that the last of *joined* may have."""
    if len(joined) == 1:
        return FIRST_CHARACTERS
    return len(joined[0]) + GROWTH * sum(map(len, joined[:-1]))
