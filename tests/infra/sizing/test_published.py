"""The VRAM calculation compared with published figures, and the document that shows the comparison."""

import pytest

from tests.infra.sizing.published import DOCUMENT, EXACT, ROWS, between, sections
from tests.infra.sizing.published_row import Row


@pytest.mark.parametrize("row", EXACT, ids=lambda row: row.model)
def test_weights_as_published_are_exact(row: Row) -> None:
    assert row.ours == row.published


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.model} {row.what}")
def test_no_figure_is_far_from_the_published_one(row: Row) -> None:
    assert -0.006 < row.error < 0.05


def test_ten_models_are_checked() -> None:
    assert len({row.model for row in ROWS}) >= 10


@pytest.mark.parametrize(("mark", "table"), list(sections()), ids=[mark for mark, _ in sections()])
def test_the_document_shows_the_tables(mark: str, table: str) -> None:
    assert between(DOCUMENT.read_text(encoding="utf-8"), mark) == table
