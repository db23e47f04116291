"""Import cycles among the modules of synapse_gateway, also those of imports under TYPE_CHECKING."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.settings.loader import ROOT

PACKAGE = "synapse_gateway"
Graph = Mapping[str, set[str]]


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the possible modules of each import, the most specific first: `from package import submodule` is both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.module) for alias in node.names)


def graph(root: Path, package: str) -> Graph:
    """Return module -> the modules of *package* that it imports. Relative imports are not used in this project."""
    trees = {
        module_name(file, root): ast.parse(file.read_text(encoding="utf-8"))
        for file in sorted((root / package).rglob("*.py"))
    }
    return {
        name: {
            next(module for module in choices if module in trees)
            for choices in imported(tree)
            if any(module in trees for module in choices)
        }
        for name, tree in trees.items()
    }


def cycles(edges: Graph) -> list[list[str]]:
    """Return one cycle for each module that is found on the current path of a depth-first search."""
    result: list[list[str]] = []
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            result.append([*path[path.index(name) :], name])
        elif name not in finished:
            for other in sorted(edges[name]):
                visit(other, [*path, name])
            finished.add(name)

    for name in edges:
        visit(name, [])
    return result


def test_modules_of_the_gateway_have_no_import_cycles() -> None:
    edges = graph(ROOT / "gateway_image", PACKAGE)
    assert len(edges) > 100
    assert cycles(edges) == []


def test_a_cycle_through_type_checking_and_a_submodule_is_found(tmp_path: Path) -> None:
    package = tmp_path / "example"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("from example import two\n")
    (package / "two.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import example.one\n")
    assert cycles(graph(tmp_path, "example")) == [["example.one", "example.two", "example.one"]]
