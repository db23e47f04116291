"""Two texts compared as words: how many of what was said came back wrong."""

import re
from typing import Final

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def words(text: str) -> list[str]:
    """Lower case, without punctuation, each digit as its word: engines write `42`, `4 2` or `four two`."""
    found = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d", text.lower())
    return [DIGITS[int(word)] if word.isdecimal() else word for word in found]


def error_rate(said: str, heard: str) -> float:
    """Words that were changed, lost or added, by the number that was said: 0 is perfect, and it may exceed 1."""
    wanted, found = words(said), words(heard)
    row = list(range(len(found) + 1))
    for number, word in enumerate(wanted, 1):
        previous, row = row, [number]
        for place, other in enumerate(found, 1):
            row.append(min(previous[place] + 1, row[-1] + 1, previous[place - 1] + (word != other)))
    return row[-1] / len(wanted)
