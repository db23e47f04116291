"""What came of a measurement: rows for a table, and one document for programs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from ops.bench.criteria import Judged
from ops.bench.rounds import Series, Setup, added

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "first_token_ms": ("first token", "ms"),
    "between_tokens_ms": ("between tokens", "ms"),
    "tokens_per_s": ("tokens/s", ""),
    "latency_ms": ("latency", "ms"),
    "texts_per_s": ("texts/s", ""),
    "sound_per_s": ("seconds of sound/s", ""),
    "crowd_per_s": ("all clients together, a second", ""),
}
"""In the order they are shown: what each is called, and its unit."""
COLUMNS: Final = ("Model", "Through", "Engine", "Medians", "Added by the gateway")


def rows(series: Sequence[Series]) -> Iterator[tuple[str, ...]]:
    """A line for each way, in the order of COLUMNS."""
    more = {each.model: f"{each.median:+.2f} ms" for each in added(series)}
    for each in series:
        is_entry = each.through == each.engine
        yield (
            each.model,
            each.through,
            "" if is_entry else each.engine,
            medians(each),
            more[each.model] if is_entry else "",
        )


def medians(series: Series) -> str:
    found = ((name, series.median(figure), unit) for figure, (name, unit) in FIGURES.items())
    return ", ".join(
        f"{name} {text(value)}{f' {unit}' if unit else ''}" for name, value, unit in found if value is not None
    )


def text(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def document(stack: str, series: Sequence[Series], judged: Judged, setup: Setup) -> dict[str, Any]:
    """Everything, each round of each way too."""
    return {
        "stack": stack,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "rounds": setup.rounds,
        "tokens": setup.tokens,
        "clients": setup.clients,
        "criteria": [{**asdict(verdict), "met": verdict.is_met} for verdict in judged.verdicts],
        "leftOut": list(judged.left_out),
        "added": [{**asdict(each), "median": each.median} for each in added(series)],
        "series": [asdict(each) for each in series],
    }
