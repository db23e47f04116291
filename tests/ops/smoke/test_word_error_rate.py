"""Word error rate of a transcript."""

import pytest

from ops.smoke.word_error_rate import normalize, word_error_rate


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zero, six; TWO one.", ["zero", "six", "two", "one"]),
        ("0621", ["zero", "six", "two", "one"]),
        ("It's 9 o'clock", ["it's", "nine", "o'clock"]),
        ("", []),
        ("Grüße_ -", ["grüße"]),
        ("42", ["four", "two"]),
        ("forty two", ["four", "two"]),
        ("Forty-two.", ["four", "two"]),
        ("twenty, two", ["two", "zero", "two"]),
        ("twenty", ["two", "zero"]),
        ("20 12", ["two", "zero", "one", "two"]),
        ("nineteen twelve", ["one", "nine", "one", "two"]),
        ("seven", ["seven"]),
        ("7 times", ["seven", "times"]),
        ("ninety-nine", ["nine", "nine"]),
        ("It\u2019s", ["it's"]),
    ],
)
def test_texts_are_normalized_to_words(text: str, words: list[str]) -> None:
    assert normalize(text) == words


@pytest.mark.parametrize(
    ("spoken", "transcript", "rate"),
    [
        ("zero six two one", "zero six two one", 0),
        ("zero six two one", "Zero 6 2, 1.", 0),
        ("zero six two one", "0621", 0),
        ("forty two cats", "42 cats", 0),
        ("forty two cats", "43 cats", 1 / 3),
        ("zero six two one", "zero six one", 0.25),
        ("zero six two one", "zero six six two one", 0.25),
        ("zero six two one", "zero nine two one", 0.25),
        ("zero six two one", "one two six zero", 1),
        ("zero six two one", "", 1),
        ("one", "one two three", 2),
    ],
)
def test_the_rate_counts_changed_lost_and_added_words(spoken: str, transcript: str, rate: float) -> None:
    assert word_error_rate(spoken, transcript) == rate
