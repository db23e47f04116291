"""uv for the official language host: found on PATH, beside the running process, or in the cache."""

import os
from pathlib import Path

import pytest

from tools.errors import ToolchainError
from tools.offline import uv


def program(path: Path, script: str = "echo uv 1.2.3") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the uv of this machine."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UV", raising=False)


def test_one_on_path_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path / "bin/uv").parent))
    assert uv.environment()["PATH"] == str(tmp_path / "bin")


def test_the_one_that_runs_this_process_is_added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV", str(program(tmp_path / "running/uv")))
    assert uv.environment()["PATH"].split(os.pathsep) == ["/nowhere", str(tmp_path / "running")]


def test_else_the_one_that_the_script_keeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = program(tmp_path / "cache/uv-1.2.3/bin/uv")
    monkeypatch.setattr(uv, "SCRIPT", program(tmp_path / "script"))
    assert uv.environment()["PATH"].endswith(str(kept.parent))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    uv._kept.cache_clear()


def test_a_failed_installation_names_the_cause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uv, "SCRIPT", program(tmp_path / "script", "echo no index >&2; exit 1"))
    with pytest.raises(ToolchainError, match="install uv, or see why:\nno index"):
        uv.environment()


def test_uv_changes_neither_the_lock_file_nor_the_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV", str(program(tmp_path / "uv")))
    variables = uv.environment()
    assert (variables["UV_FROZEN"], variables["UV_NO_DEFAULT_GROUPS"]) == ("1", "1")
