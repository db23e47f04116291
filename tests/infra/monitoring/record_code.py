"""Metrics that an engine's code registers, read from its package without running it."""

import ast
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from tools.offline.environment import UV

TYPES: Mapping[str, Callable[..., Counter | Gauge | Histogram]] = {
    "counter": Counter,
    "gauge": Gauge,
    "histogram": partial(Histogram, buckets=(1,)),
}
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One registered metric, with the *labels* that are literals in the code."""

    name: str
    text: str
    type: str
    labels: tuple[str, ...]


def of_package(name: str, version: str, folder: Path) -> str:
    """Return the metrics that the PyPI package *name* registers under its name, as an exposition."""
    command: list[str | Path] = [
        UV,
        "tool",
        "run",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        folder,
        f"{name}=={version}",
    ]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        sources = [archive.read(path).decode() for path in archive.namelist() if path.endswith(".py")]
    registered = (metric for source in sources if f'"{name}:' in source for metric in _registered(source, f"{name}:"))
    return _exposition({metric.name: metric for metric in registered}.values())


def _exposition(metrics: Iterable[Metric]) -> str:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    for metric in sorted(metrics, key=lambda each: each.name):
        made = TYPES[metric.type](metric.name, metric.text, metric.labels, registry=registry)
        if metric.labels:
            made.labels(*metric.labels)
    return generate_latest(registry).decode()


def _registered(source: str, prefix: str) -> Iterator[Metric]:
    tree = ast.parse(source)
    names = dict(_lists(tree))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = {word.arg: word.value for word in call.keywords}
        name, kind = _text(given.get("name")), _type(call.func)
        if name.startswith(prefix) and kind:
            text, labels = _text(given.get("documentation")), _labels(given.get("labelnames"), names)
            yield Metric(name=name, text=text, type=kind, labels=labels)


def _lists(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return the variables with a list of strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.List):
            yield node.targets[0].id, _labels(node.value, {})


def _labels(node: ast.expr | None, names: Names) -> tuple[str, ...]:
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(text for text in map(_text, node.elts) if text)
    if isinstance(node, ast.BinOp):
        return (*_labels(node.left, names), *_labels(node.right, names))
    return names.get(node.id, ()) if isinstance(node, ast.Name) else ()


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _type(function: ast.expr) -> str:
    called = ast.unparse(function).lower()
    return next((kind for kind in TYPES if kind in called), "")
