"""Word error rate: the share of a text's words that a transcript has wrong."""

import re
from typing import Final

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def normalize(text: str) -> list[str]:
    """Return lower-case words without punctuation, each digit as a word: engines write `42`, `4 2` or `four two`."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d", text.lower())
    return [DIGITS[int(word)] if word.isdecimal() else word for word in words]


def word_error_rate(spoken: str, transcript: str) -> float:
    """Return the words changed, lost or added, divided by the words spoken: 0 is perfect, and it may exceed 1."""
    expected, actual = normalize(spoken), normalize(transcript)
    # Levenshtein distance over words, one row at a time.
    row = list(range(len(actual) + 1))
    for number, word in enumerate(expected, 1):
        previous, row = row, [number]
        for index, other in enumerate(actual, 1):
            row.append(min(previous[index] + 1, row[-1] + 1, previous[index - 1] + (word != other)))
    return row[-1] / len(expected)
