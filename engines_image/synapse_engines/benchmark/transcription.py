"""Word error rates (substitutions, insertions and deletions per word)."""

from collections.abc import Sequence


def word_error_rate(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the word error rate over *pairs* of reference text and transcript."""
    count = sum(len(words(reference)) for reference, _ in pairs)
    return sum(edit_distance(words(reference), words(transcript)) for reference, transcript in pairs) / count


def words(text: str) -> list[str]:
    """Return the words of *text* in lower case, without punctuation."""
    return "".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.lower()).split()


def edit_distance(reference: Sequence[str], transcript: Sequence[str]) -> int:
    """Return the Levenshtein distance in words."""
    row = list(range(len(transcript) + 1))
    for index, word in enumerate(reference, 1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(transcript, 1):
            cost = min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
            diagonal, row[column] = row[column], cost
    return row[-1]
