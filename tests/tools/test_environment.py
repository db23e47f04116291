"""Python environments that are installed once per machine, with a script in place of uv."""

from dataclasses import replace
from pathlib import Path

import pytest

from tools.errors import ToolchainError
from tools.offline import environment
from tools.offline.environment import PythonEnvironment

TRIAL = PythonEnvironment(name="trial", version="1.0", packages=["a==1"], alone=["b==2"], minutes=1)
UV = """#!/bin/sh
echo "$@" >> {calls}
if [ "$1" = venv ]; then
  while [ $# -gt 1 ]; do shift; done
  mkdir -p "$1"; touch "$1/pyvenv.cfg"
fi
case "$*" in *{refused}*) echo "no such package" >&2; exit 1;; esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file with the command line of each call."""
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(environment, "UV", tmp_path / "uv")
    calls = tmp_path / "calls"
    calls.touch()
    (tmp_path / "uv").write_text(UV.format(calls=calls, refused="refused==1"))
    (tmp_path / "uv").chmod(0o755)
    return calls


def test_it_is_installed_once(calls: Path) -> None:
    folder = TRIAL.folder()
    installs = [line for line in calls.read_text().splitlines() if line.startswith("pip")]
    assert [line.split()[-1] for line in installs] == ["a==1", "b==2"]
    assert ["--no-deps" in line for line in installs] == [False, True]
    assert TRIAL.folder() == folder
    assert len(calls.read_text().splitlines()) == 1 + len(installs)


def test_only_a_complete_environment_has_its_name(calls: Path) -> None:
    refused = replace(TRIAL, packages=["refused==1"])
    for _ in range(2):  # the rest of the first attempt does not pass for an environment
        with pytest.raises(ToolchainError, match=r"trial 1\.0 could not be installed:\nno such package"):
            refused.folder()
    assert calls.read_text().count("refused==1") == 2


@pytest.mark.parametrize(
    "changed",
    [{"packages": ["a==2"]}, {"packages": ["a==1", "b==2"], "alone": []}, {"overrides": ["c"]}, {"is_compiled": True}],
)
def test_other_packages_are_another_environment(calls: Path, changed: dict[str, object]) -> None:
    assert replace(TRIAL, **changed).key != TRIAL.key  # type: ignore[arg-type]
