"""Report of a stack benchmark: rows of a table, and one document for programs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from ops.bench.criteria import Evaluation
from ops.bench.rounds import Series, StackBenchSetup, overheads

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "first_token_ms": ("first token", "ms"),
    "between_tokens_ms": ("between tokens", "ms"),
    "tokens_per_s": ("tokens/s", ""),
    "latency_ms": ("latency", "ms"),
    "texts_per_s": ("texts/s", ""),
    "sound_per_s": ("seconds of sound/s", ""),
    "crowd_per_s": ("all clients together, a second", ""),
}
"""Figure -> its name and unit, in the order of the report."""
COLUMNS: Final = ("Model", "Through", "Engine", "Medians", "Added by the gateway")


def rows(series: Sequence[Series]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each endpoint, in the order of COLUMNS."""
    added = {each.model: f"{each.median:+.2f} ms" for each in overheads(series)}
    for each in series:
        is_gateway = each.through == each.engine
        yield (
            each.model,
            each.through,
            "" if is_gateway else each.engine,
            medians(each),
            added[each.model] if is_gateway else "",
        )


def medians(series: Series) -> str:
    values = ((name, series.median(figure), unit) for figure, (name, unit) in FIGURES.items())
    return ", ".join(
        f"{name} {text(value)}{f' {unit}' if unit else ''}" for name, value, unit in values if value is not None
    )


def text(value: float) -> str:
    """Return *value* with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def document(stack: str, series: Sequence[Series], evaluation: Evaluation, setup: StackBenchSetup) -> dict[str, Any]:
    """Return everything as JSON, with each round of each endpoint."""
    return {
        "stack": stack,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "rounds": setup.rounds,
        "tokens": setup.tokens,
        "clients": setup.clients,
        "criteria": [{**asdict(verdict), "met": verdict.is_met} for verdict in evaluation.verdicts],
        "leftOut": list(evaluation.left_out),
        "added": [{**asdict(each), "median": each.median} for each in overheads(series)],
        "series": [asdict(each) for each in series],
    }
