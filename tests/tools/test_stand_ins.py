"""The table of what differs from the official plugins names tests that exist."""

import re
from pathlib import Path

import pytest

from infra.settings.model import ROOT

ROW = re.compile(r"^\| (?P<difference>[^|]+) \| (?P<held>[^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
FEWEST_WORDS = 5


def rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs/decisions/stand-ins.md").read_text(encoding="utf-8")
    matches = [(match["difference"].strip(), match["held"].strip()) for match in ROW.finditer(text)]
    return [row for row in matches if row[0] != "Difference"]


def problem(held: str, root: Path) -> str:
    """Return what is wrong with the second column, or an empty text: it names tests, or gives a reason."""
    named = TEST.findall(held)
    if not named:
        return "" if len(held.split()) >= FEWEST_WORDS else "neither a test nor a reason"
    for file, name in named:
        if not (root / file).is_file():
            return f"no file {file}"
        if name and f"def {name}(" not in (root / file).read_text(encoding="utf-8"):
            return f"no test {name} in {file}"
    return ""


def test_the_table_is_found() -> None:
    assert len(rows()) >= 10


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_each_difference_names_its_test_or_a_reason(row: tuple[str, str]) -> None:
    assert problem(row[1], ROOT) == "", row[0]


@pytest.mark.parametrize("held", ["", "Later.", "`tests/nowhere.py`", "`tests/tools/test_stand_ins.py::test_none`"])
def test_a_row_without_either_is_found(held: str) -> None:
    assert problem(held, ROOT)
