"""Free space, checked before anything starts."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.disk import GIB, SpaceNeed, check, needs
from tools.errors import ToolsError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size))


def test_the_first_run_needs_most(cache: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert [need.size for need in needs(state, has_images=True)] == [5 * GIB, 2 * GIB]
    assert [need.size for need in needs(state, has_images=False)] == [5 * GIB, GIB // 4]
    (cache / "built").mkdir(parents=True)
    (state / "containerd").mkdir(parents=True)
    assert sum(need.size for need in needs(state, has_images=True)) < GIB


def test_the_needs_of_one_disk_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        SpaceNeed(folder=tmp_path / "a/new", size=3 * GIB, variable="SYNAPSE_CACHE"),
        SpaceNeed(folder=tmp_path / "b", size=2 * GIB, variable="SYNAPSE_STATE"),
    ]
    free(monkeypatch, 5 * GIB)
    check(both)
    free(monkeypatch, 4 * GIB)
    check(both[:1])
    with pytest.raises(ToolsError) as caught:
        check(both)
    assert str(caught.value) == (
        f"{tmp_path}/a/new (3 GiB) and {tmp_path}/b (2 GiB): got 4 GiB free; accepted: 5 GiB or more: make room, or "
        "name a folder on another disk in SYNAPSE_CACHE or SYNAPSE_STATE"
    )
