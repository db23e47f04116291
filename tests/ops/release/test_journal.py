"""A release that was cut off is known by what it left, and what it put there is not what one goes back to."""

from pathlib import Path

import pytest

from ops.release.journal import Entry, Journal, former

ENTRY = Entry(image="new", previous="old")


def test_an_entry_is_there_until_it_is_cleared(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "release.json")
    assert journal.read() is None
    journal.write(ENTRY)
    assert Journal(tmp_path / "release.json").read() == ENTRY
    assert [path.name for path in tmp_path.iterdir()] == ["release.json"]
    journal.clear()
    journal.clear()
    assert journal.read() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"image": "new"}', '{"image": "new", "previous": "old", "x": 1}'])
def test_what_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "release.json").write_text(content)
    assert Journal(tmp_path / "release.json").read() is None


@pytest.mark.parametrize(
    ("cut_off", "serves", "found"),
    [
        (None, "old", "old"),
        (None, None, None),
        (ENTRY, "new", "old"),  # it was deployed, and nobody has looked at it
        (ENTRY, "old", "old"),
        (ENTRY, "other", "other"),  # somebody has deployed since
    ],
)
def test_the_image_to_go_back_to(cut_off: Entry | None, serves: str | None, found: str | None) -> None:
    assert former(cut_off, serves) == found
