"""Journal of a release, and the image to roll back to after an interruption."""

from pathlib import Path

import pytest

from ops.release.journal import Journal, JournalEntry, rollback_image

ENTRY = JournalEntry(image="new", previous="old")


def test_an_entry_is_kept_until_it_is_cleared(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "release.json")
    assert journal.read() is None
    journal.write(ENTRY)
    assert Journal(tmp_path / "release.json").read() == ENTRY
    assert [path.name for path in tmp_path.iterdir()] == ["release.json"]
    journal.clear()
    journal.clear()
    assert journal.read() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"image": "new"}', '{"image": "new", "previous": "old", "x": 1}'])
def test_an_unreadable_entry_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "release.json").write_text(content)
    assert Journal(tmp_path / "release.json").read() is None


@pytest.mark.parametrize(
    ("interrupted", "serving", "image"),
    [
        (None, "old", "old"),
        (None, None, None),
        (ENTRY, "new", "old"),  # deployed, and never verified
        (ENTRY, "old", "old"),
        (ENTRY, "other", "other"),  # deployed by another run since
    ],
)
def test_rollback_image(interrupted: JournalEntry | None, serving: str | None, image: str | None) -> None:
    assert rollback_image(interrupted, serving) == image
