"""Splitting of a text into sentences, segments and pauses."""

import pytest

from synapse_engines.synthesis.sentences import pause_after, segments, sentences

pytestmark = pytest.mark.anyio
FIRST, SECOND = "The first sentence is here and quite long.", "The second one is longer than the first one was."
THREE = f"{FIRST} {SECOND} The third is the last one of this text, and a little longer than both."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. Smith met Mrs. Jones, e.g. on Monday. They spoke.",
            ["Dr. Smith met Mrs. Jones, e.g. on Monday.", "They spoke."],
        ),
        ("J. R. Smith said: \u201cGo.\u201d He went.", ["J. R. Smith said: \u201cGo.\u201d", "He went."]),
        ("It costs 3.50 euros. Fine", ["It costs 3.50 euros.", "Fine"]),
        ("Wait... what? No.", ["Wait...", "what?", "No."]),
        ("A title\n\nThe text\nof it.", ["A title", "The text of it."]),
        ("To buy:\n- milk\n- bread", ["To buy:", "- milk", "- bread"]),
        (
            "\u0939\u093e\u0902\u0964 \u0928\u0939\u0940\u0902\u0964",
            ["\u0939\u093e\u0902\u0964", "\u0928\u0939\u0940\u0902\u0964"],
        ),
        ("a\x00b\tc\r\nd", ["a b c d"]),
    ],
)
async def test_a_text_is_split_into_sentences(text: str, expected: list[str]) -> None:
    assert list(sentences(text)) == expected


@pytest.mark.parametrize("text", ["", " \n\t", "...", "?!", "\u2026 \u2014 *", "\U0001f600 \U0001f389", "\x00\x01"])
async def test_a_text_without_words_has_no_segments(text: str) -> None:
    assert segments(text) == []


@pytest.mark.parametrize(
    "text",
    [
        THREE * 30,
        "a word, " * 400,
        "word " * 400,
        "x" * 1500,
        "Short. " * 200,
        f"{'long ' * 50}. {'longer ' * 90}, {'y' * 450} end.",
    ],
)
async def test_segments_keep_all_words_and_their_limit(text: str) -> None:
    parts = segments(text, 200)
    assert max(map(len, parts)) <= 200
    assert "".join(" ".join(parts).split()) == "".join(text.split())


async def test_segments_begin_with_one_sentence_and_grow() -> None:
    lengths = [len(part) for part in segments("This is a sentence of forty-four letters. " * 20)]
    assert lengths[0] < 50
    assert all(length <= lengths[0] + 0.6 * sum(lengths[:index]) for index, length in enumerate(lengths) if index)
    assert max(lengths) > 150
    assert len(segments("Yes. No. Maybe. " * 3)) < 9


@pytest.mark.parametrize(
    ("text", "seconds"), [("End.", 0.25), ("\u201cEnd!\u201d", 0.25), ("clause,", 0.1), ("word", 0.0), ("", 0.0)]
)
async def test_a_pause_depends_on_the_last_mark(text: str, seconds: float) -> None:
    assert pause_after(text) == seconds
