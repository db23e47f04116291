"""Texts compared as words."""

import pytest

from ops.smoke.word_error_rate import error_rate, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Zero, six; TWO one.", ["zero", "six", "two", "one"]),
        ("0621", ["zero", "six", "two", "one"]),
        ("It's 9 o'clock", ["it's", "nine", "o'clock"]),
        ("", []),
        ("Grüße_ -", ["grüße"]),
    ],
)
def test_words_are_what_is_heard(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("zero six two one", "zero six two one", 0),
        ("zero six two one", "Zero 6 2, 1.", 0),
        ("zero six two one", "zero six one", 0.25),
        ("zero six two one", "zero six six two one", 0.25),
        ("zero six two one", "zero nine two one", 0.25),
        ("zero six two one", "one two six zero", 1),
        ("zero six two one", "", 1),
        ("one", "one two three", 2),
    ],
)
def test_the_rate_counts_what_was_changed_lost_and_added(said: str, heard: str, rate: float) -> None:
    assert error_rate(said, heard) == rate
