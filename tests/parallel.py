"""Which tests run one after the other when several processes share them: those that share what is dear to make."""

from pathlib import Path

import pytest

LONG = ("tests/engine", "tests/cluster/stack", "tests/cluster", "tests/engines")
"""Folders that share a twin, a cluster or an image in one process; they take minutes, so they begin first."""


def share_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put each test into its group; a file is one where its folder is none, for the sake of its own fixtures."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path.relative_to(config.rootpath))))
    if hasattr(config, "workerinput"):  # in one of several processes
        items.sort(key=lambda item: _turn(item.path.relative_to(config.rootpath)))


def _group(path: Path) -> str:
    return next((folder for folder in LONG if path.is_relative_to(folder)), str(path))


def _turn(path: Path) -> int:
    group = _group(path)
    return LONG.index(group) if group in LONG else len(LONG)
