"""Module names: none hides a module of the standard library from a process that starts in its folder."""

import sys
from pathlib import Path

import pytest

from infra.settings.model import ROOT

WORKING_FOLDERS = ("infra", "policies")
"""The engine starts the program in `infra`, and the policy pack in `policies`: these folders are first on sys.path."""
DUNDERS = frozenset({"__init__", "__main__"})


def names(files: list[Path]) -> set[str]:
    return {path.stem for path in files} - DUNDERS


@pytest.mark.parametrize("folder", ["", *WORKING_FOLDERS])
def test_no_module_of_a_working_folder_has_the_name_of_a_standard_module(folder: str) -> None:
    packages = [path.parent for path in (ROOT / folder).glob("*/__init__.py")]
    assert not names([*(ROOT / folder).glob("*.py"), *packages]) & sys.stdlib_module_names


def test_no_module_of_the_policies_has_the_name_of_a_standard_module() -> None:
    assert not names(list((ROOT / "policies").rglob("*.py"))) & sys.stdlib_module_names
