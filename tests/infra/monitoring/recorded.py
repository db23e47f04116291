"""Recorded metrics of engines that no test can start, in Prometheus' format; `record.py` writes the files."""

import re
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from infra.catalog.kinds import CATALOG

FOLDER = Path(__file__).parent / "recorded"
KINDS = ("vllm", "sglang", "litellm")
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}
"""Suffixes of a family without samples."""


def version(kind: str) -> str:
    """Return the version in the image tag of the catalog."""
    match = re.search(r":v?([0-9][-0-9.]*[0-9])", CATALOG[kind].image or "")
    assert match, f"{kind}: no version in {CATALOG[kind].image}"
    return match[1]


def file(kind: str) -> Path:
    return FOLDER / f"{kind}.prom"


def heading(kind: str) -> str:
    """Return the first line of a recording."""
    return f"# {kind} {version(kind)}\n"


def exposed(kind: str) -> Mapping[str, frozenset[str]]:
    """Return series -> labels."""
    series: dict[str, frozenset[str]] = {}
    for family in text_string_to_metric_families(file(kind).read_text(encoding="utf-8")):
        for part in PARTS.get(family.type, ("",)):
            series.setdefault(family.name + part, frozenset())
        for sample in family.samples:
            series[sample.name] = series.get(sample.name, frozenset()) | sample.labels.keys()
    return series


def series(kind: str) -> list[str]:
    """Return its series in the notation of Prometheus."""
    lines = file(kind).read_text(encoding="utf-8").splitlines()
    return [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
