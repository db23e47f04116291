"""HTML page of a stack benchmark; self-contained: plots are inline SVG, and nothing is loaded."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from statistics import median
from typing import Any, Final

from ops.bench.criteria import Evaluation
from ops.bench.report import COLUMNS, FIGURES, rows, text
from ops.bench.rounds import Series
from tools.bench.verdict import HEADINGS

WIDTH, LABEL, ROW, FOOT, EDGE = 760, 190, 34, 30, 24
TICKS: Final = 5
STYLE: Final = """
  :root { color-scheme: light dark }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
         color: light-dark(#15201d, #e4ebe9); background: light-dark(#fff, #0f1413) }
  table { border-collapse: collapse; margin: 1rem 0 }
  td, th { padding: .3rem .7rem; text-align: left; vertical-align: top }
  tr { border-bottom: 1px solid light-dark(#dfe4e2, #29312f) } figure { margin: 1rem 0; overflow-x: auto }
  figcaption, .about { color: light-dark(#55625e, #98a5a1) } .met { color: light-dark(#15803d, #4ade80) }
  .MISSED { color: light-dark(#b91c1c, #f87171); font-weight: 600 }
  svg { font: 13px system-ui, sans-serif; fill: currentColor } .grid { stroke: currentColor; stroke-opacity: .15 }
  .dot { fill: light-dark(#0f766e, #2dd4bf); fill-opacity: .45 }
  .middle { stroke: light-dark(#b45309, #fb923c); stroke-width: 3 }
"""


def page(document: Mapping[str, Any], series: Sequence[Series], evaluation: Evaluation) -> str:
    """Return the page; *document* is the one for programs."""
    title = f"synapse bench stack: {document['stack']}"
    method = (
        f"{document['rounds']} rounds on {document['cores']} cores, at {document['at']}; each probes every endpoint "
        f"once, in shuffled order, alone and then with {document['clients']} clients. "
        "A dot is a round, the bar its median."
    )
    content = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="about">{escape(method)}</p>',
        _table(HEADINGS, [verdict.row for verdict in evaluation.verdicts]),
        *(f'<p class="about">No verdict: {escape(reason)}</p>' for reason in evaluation.left_out),
        _table(COLUMNS, list(rows(series))),
        *_figures(series),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(content) + "\n</body></html>\n"


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in cells)
    return f"<table><tr>{head}</tr>{lines}</table>"


def _cell(cell: str) -> str:
    kind = f' class="{cell}"' if cell in {"met", "MISSED"} else ""
    return f"<td{kind}>{escape(cell)}</td>"


def _figures(series: Sequence[Series]) -> Iterator[str]:
    """Yield, for each model, a plot of each figure that its endpoints have."""
    for model, group in groupby(series, lambda each: each.model):
        endpoints = list(group)
        yield f"<h2>{escape(model)}</h2>"
        for figure, (name, unit) in FIGURES.items():
            if any(each.all(figure) for each in endpoints):
                caption = f"{name}, {unit}" if unit else name
                plot = strip_plot({each.through: each.all(figure) for each in endpoints})
                yield f"<figure>{plot}<figcaption>{escape(caption)}</figcaption></figure>"


def strip_plot(series: Mapping[str, Sequence[float]]) -> str:
    """Return a row of dots for each name, over one axis from zero."""
    most = max((value for values in series.values() for value in values), default=0) or 1.0
    scale = (WIDTH - LABEL - EDGE) / most
    height = ROW * len(series) + FOOT
    parts = [*_grid(most, scale, height)]
    for number, (name, values) in enumerate(series.items()):
        parts += _row(name, values, scale, ROW * number + ROW // 2)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{"".join(parts)}</svg>'


def _grid(most: float, scale: float, height: int) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = most * tick / TICKS
        x = LABEL + value * scale
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - FOOT}"/>'
        yield f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{text(value)}</text>'


def _row(name: str, values: Sequence[float], scale: float, y: int) -> Iterator[str]:
    yield f'<text x="0" y="{y + 4}">{escape(name)}</text>'
    for value in values:
        x, shown = LABEL + value * scale, text(value)
        yield f'<circle class="dot" cx="{x:.1f}" cy="{y}" r="5"><title>{shown}</title></circle>'
    if values:
        x, shown = LABEL + median(values) * scale, text(median(values))
        place = f'x1="{x:.1f}" x2="{x:.1f}" y1="{y - 11}" y2="{y + 11}"'
        yield f'<line class="middle" {place}><title>{shown}</title></line>'
