"""Distribution of tests over several processes: tests that share an expensive fixture stay in one process."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LONG = ("tests/pulumi_engine", "tests/cluster/stack", "tests/cluster", "tests/engines_cuda", "tests/engines_image")
"""Folders whose tests share a twin, a cluster or an image; they take minutes, so they start first."""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Scheduler that gives each process whole groups. xdist 3.8's own groups, by marks, fail with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """Return the group of a test: its folder if that is one of LONG, else its file."""
    path = PurePath(nodeid.partition("::")[0])
    return next((folder for folder in LONG if path.is_relative_to(folder)), str(path))


def refuse_equal_ids(items: Iterable[pytest.Item]) -> None:
    """Raise UsageError for tests with one id: of these, xdist runs only one."""
    counts = Counter(item.nodeid for item in items)
    if repeated := [nodeid for nodeid, count in counts.items() if count > 1]:
        raise pytest.UsageError(f"several tests have the id {repeated[0]}; give each its own, or xdist runs only one")


def long_first(items: list[pytest.Item]) -> None:
    """Sort long groups first, so that no process runs one alone at the end."""
    ranks = {folder: rank for rank, folder in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(group(item.nodeid), len(LONG)))
