"""The package stands alone, and the recipe of its image agrees with what the stacks ask of it."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from infra.catalog import cpu
from infra.settings.model import ROOT
from synapse_engines.kinds import KINDS

FOLDER = ROOT / "engines_image"
FILES = sorted((FOLDER / "synapse_engines").rglob("*.py"))
RECIPE = (FOLDER / "Dockerfile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((FOLDER / "pyproject.toml").read_text())
LOCK: dict[str, Any] = tomllib.loads((FOLDER / "uv.lock").read_text())
OURS = {"components", "infra", "policies", "stacks", "synapse_gateway", "tests", "tools"}
BUILT = {"llama-cpp-python"}
"""What has no wheel of its own."""


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_it_imports_nothing_else_of_ours(file: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name
        for node in nodes
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not {name.split(".")[0] for name in names} & OURS
    assert len(file.read_text().splitlines()) <= 300


def test_each_cpu_kind_of_the_catalogue_is_served() -> None:
    assert set(KINDS) == set(cpu.ENGINES)


def test_it_is_built_in_two_stages_from_a_base_that_cannot_change() -> None:
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", RECIPE, re.MULTILINE)
    stages = RECIPE.split("FROM ${BASE}")
    assert len(stages) == 3
    assert "g++" in stages[1]
    assert "g++" not in stages[2]


def test_it_runs_as_nobody_in_particular_and_has_its_programs_and_models() -> None:
    assert "\nUSER 10000:10000\n" in RECIPE
    assert "espeak-ng ffmpeg" in RECIPE.split("FROM ${BASE}")[2]
    assert "SYNAPSE_ENGINES_MODELS=/models" in RECIPE
    (command,) = PROJECT["project"]["scripts"]
    assert f'\nENTRYPOINT ["{command}"]\n' in RECIPE


def test_a_change_of_the_source_compiles_nothing() -> None:
    assert RECIPE.index("--no-install-project") < RECIPE.index("COPY synapse_engines")


def test_every_package_in_it_is_pinned_by_hash() -> None:
    assert RECIPE.count("uv sync") == RECIPE.count("uv sync --locked")
    for package in LOCK["package"]:
        if "editable" not in package["source"]:
            files = [package["sdist"]] if package["name"] in BUILT else package["wheels"]
            assert all(each["hash"].startswith("sha256:") for each in files), package["name"]


def test_what_is_compiled_runs_on_other_machines_and_in_the_tests_too() -> None:
    """The settings are read in the project that installs, so both say them."""
    root: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for name in ("extra-build-variables", "dependency-metadata"):
        assert root["tool"]["uv"][name] == PROJECT["tool"]["uv"][name]
    assert "GGML_NATIVE=OFF" in PROJECT["tool"]["uv"]["extra-build-variables"]["llama-cpp-python"]["CMAKE_ARGS"]


def test_the_tests_run_what_is_in_the_image() -> None:
    root: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text())
    versions = {package["name"]: package.get("version") for package in root["package"]}
    for package in LOCK["package"]:
        if package["name"] in {"llama-cpp-python", "pocketsphinx", "pyrnnoise", "starlette", "uvicorn"}:
            assert versions[package["name"]] == package["version"]
