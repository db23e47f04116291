"""Output of the commands: tables on a terminal, plain columns in a pipe.

No text is read as rich's markup, so that a message with brackets is printed whole; a colour is a Text with a style.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.status import Status
from rich.table import Table
from rich.text import Text

GAP: Final = "  "


def console(*, width: int | None = None) -> Console:
    """Return the console of stdout."""
    return Console(soft_wrap=True, highlight=False, markup=False, width=width)


def show(*tables: Table, width: int | None = None) -> None:
    """Print tables: on a terminal of *width* columns, or as wide as it is; elsewhere one line for each row."""
    printer = console(width=width)
    if printer.is_terminal:
        printer.print(*tables)
        return
    for table in tables:
        for line in plain(table):
            printer.print(line)


def say(text: str, style: str = "") -> None:
    """Print one text."""
    console().print(text, style=style or None)


def waiting(text: str) -> Status:
    """Return a spinner with *text* on stderr, as a context manager; nothing where stderr is no terminal."""
    return Console(stderr=True).status(Text(text))


def plain(table: Table) -> Iterator[str]:
    """Yield the title, the headings and the rows, in columns that are as wide as their widest cell."""
    if table.title:
        yield _text(table.title)
    columns = [[_text(column.header), *map(_text, column.cells)] for column in table.columns]
    widths = [max(map(cell_len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        yield _line(row, widths)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
    return GAP.join(cells).rstrip()


def _text(cell: RenderableType) -> str:
    text = cell.plain if isinstance(cell, Text) else str(cell)
    return "; ".join(text.splitlines())
