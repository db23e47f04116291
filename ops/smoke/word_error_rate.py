"""Word error rate: the share of a text's words that a transcript has wrong."""

import re
from typing import Final

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen")
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS: Final = {
    **{word: str(number) for number, word in enumerate((*DIGITS, *_TEENS, "nineteen"))},
    **{word: str(number * 10) for number, word in enumerate(_TENS, 2)},
}
"""Words of the numbers that have one word -> numerals."""


_TENS_AND_ONES: Final = re.compile(rf"\b({'|'.join(_TENS)})[ -]({'|'.join(DIGITS[1:])})\b")


def normalize(text: str) -> list[str]:
    """Return lower-case words without punctuation, each numeral as the words of its digits.

    Engines write `42`, `4 2`, `four two` or `forty-two`: all become `four two`.
    """
    numerals = _TENS_AND_ONES.sub(_numeral, text.lower().replace("\u2019", "'"))
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+", numerals)
    return [part for word in words for part in _digits(NUMBERS.get(word, word))]


def _numeral(match: re.Match[str]) -> str:
    return NUMBERS[match[1]][0] + NUMBERS[match[2]]


def _digits(word: str) -> list[str]:
    return [DIGITS[int(digit)] for digit in word] if word.isdecimal() else [word]


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
