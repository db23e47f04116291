"""What engines were recorded to expose that no test can start, as Prometheus reads it; `record.py` writes the files."""

import re
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from infra.catalog.kinds import CATALOG

FOLDER = Path(__file__).parent / "recorded"
KINDS = ("vllm", "sglang", "litellm")
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}
"""What stands for a family of which nothing was counted yet."""


def version(kind: str) -> str:
    """The catalog's own, as its image is tagged."""
    found = re.search(r":v?([0-9][-0-9.]*[0-9])", CATALOG[kind].image or "")
    assert found, f"{kind}: no version in {CATALOG[kind].image}"
    return found[1]


def file(kind: str) -> Path:
    return FOLDER / f"{kind}.prom"


def heading(kind: str) -> str:
    """The first line of its file."""
    return f"# {kind} {version(kind)}\n"


def exposed(kind: str) -> Mapping[str, frozenset[str]]:
    """Series -> its labels."""
    found: dict[str, frozenset[str]] = {}
    for family in text_string_to_metric_families(file(kind).read_text(encoding="utf-8")):
        for part in PARTS.get(family.type, ("",)):
            found.setdefault(family.name + part, frozenset())
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, frozenset()) | sample.labels.keys()
    return found


def series(kind: str) -> list[str]:
    """Each of its series, as Prometheus writes them."""
    lines = file(kind).read_text(encoding="utf-8").splitlines()
    return [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
