"""The word error rate: how many words must be changed, put in or taken out, for each word that was said."""

from collections.abc import Sequence


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's, in words."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(said, 1):
        before, row[0] = row[0], place
        for other, found in enumerate(heard, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (word != found))
    return row[-1]


def words(text: str) -> list[str]:
    """In lower case, without punctuation."""
    return "".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.lower()).split()


def rate(pairs: Sequence[tuple[str, str]]) -> float:
    """The word error rate over *pairs* of what was said and what was heard."""
    count = sum(len(words(said)) for said, _ in pairs)
    return sum(distance(words(said), words(heard)) for said, heard in pairs) / count
