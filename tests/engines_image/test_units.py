"""Units of the engines that need no process."""

import pytest

from synapse_engines.benchmark.transcription import edit_distance, word_error_rate
from synapse_engines.synthesis.references import safe_file_name


def test_word_errors_are_counted() -> None:
    assert edit_distance(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert word_error_rate([("One, two.", "one two"), ("three four", "three")]) == 0.25


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.wav", "a.wav"),
        ("../../x.wav", "x.wav"),
        (".hidden", "hidden"),
        ("a b\n.mp3", "a_b_.mp3"),
        ("", "_"),
        ("..", "_"),
    ],
)
def test_a_file_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe
