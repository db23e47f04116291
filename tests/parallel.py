"""Which tests run one after the other when several processes share them: those that share what is dear to make."""

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LONG = ("tests/pulumi_engine", "tests/cluster/stack", "tests/cluster", "tests/engines")
"""Folders that share a twin, a cluster or an image in one process; they take minutes, so they begin first."""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process whole groups. xdist's own, by marks, are lost on the node ids of pytest 9.2 (xdist 3.8)."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The folder that its tests share something in, else its file."""
    path = PurePath(nodeid.partition("::")[0])
    return next((folder for folder in LONG if path.is_relative_to(folder)), str(path))


def long_first(items: list[pytest.Item]) -> None:
    """Put what takes minutes before what takes seconds, so that no process is left alone with it in the end."""
    turns = {folder: turn for turn, folder in enumerate(LONG)}
    items.sort(key=lambda item: turns.get(group(item.nodeid), len(LONG)))
