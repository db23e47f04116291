"""Imports of the project's modules, read from their sources; also those for type checkers alone."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path


def module_name(root: Path, file: Path) -> str:
    """Dotted name of a file below *root*, a folder that Python imports from."""
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(file: Path) -> Iterator[str]:
    """Dotted names in import statements; `from a import b` gives `a` and `a.b`, since `b` may be a module."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            yield from (source, *(f"{source}.{alias.name}" for alias in node.names))


def import_graph(root: Path, packages: tuple[str, ...]) -> Mapping[str, set[str]]:
    """Module -> modules of the same packages that it imports.

    A package stands for its `__init__.py`. Importing a submodule runs that file too, but the import of a package by its
    own submodules is no dependency that a reader could cut, so it does not count.
    """
    files = {module_name(root, file): file for package in packages for file in (root / package).rglob("*.py")}
    return {
        name: {other for other in imported_names(file) if other in files and not name.startswith(f"{other}.")} - {name}
        for name, file in files.items()
    }


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One import cycle as a path from a module back to itself; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []
