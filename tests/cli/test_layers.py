"""Layers of the commands: cli imports ops, ops imports neither cli nor typer."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings.model import ROOT

OPS = sorted((ROOT / "ops").rglob("*.py"))
MAX_MODULES = 25


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("file", OPS, ids=lambda path: str(path.relative_to(ROOT)))
def test_operations_know_no_command_line(file: Path) -> None:
    assert not {name.split(".")[0] for name in imports(file)} & {"cli", "click", "typer"}


@pytest.mark.parametrize("file", sorted((ROOT / "ops/cluster").glob("*.py")), ids=lambda path: path.name)
def test_the_kubernetes_client_knows_no_other_operation(file: Path) -> None:
    used = {name for name in imports(file) if name.startswith("ops.")}
    assert {name for name in used if not name.startswith("ops.cluster.")} <= {"ops.errors"}


def test_the_command_line_has_few_modules() -> None:
    assert len(list((ROOT / "cli").glob("*.py"))) <= MAX_MODULES
