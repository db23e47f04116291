"""Small languages that are heard far better than all of English: JSGF, https://www.w3.org/TR/jsgf/."""

from collections.abc import Mapping

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _sequence(words: tuple[str, ...]) -> str:
    return f"#JSGF V1.0;\ngrammar words;\npublic <words> = ( {' | '.join(words)} )+;\n"


GRAMMARS: Mapping[str, str] = {"digits": _sequence(DIGITS)}
"""By the name of the model that listens for it."""
