"""The package is self-contained, and its Dockerfile matches the stacks that use the image."""

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
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((FOLDER / "pyproject.toml").read_text())
LOCK: dict[str, Any] = tomllib.loads((FOLDER / "uv.lock").read_text())
OTHER_PACKAGES = {"components", "infra", "policies", "stacks", "synapse_gateway", "tests", "tools"}
SOURCE_ONLY = {"llama-cpp-python"}
"""Packages without wheels."""


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_module_imports_no_other_package_of_the_repository(file: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name
        for node in nodes
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not {name.split(".")[0] for name in names} & OTHER_PACKAGES
    assert len(file.read_text().splitlines()) <= 300


def test_each_cpu_kind_of_the_catalogue_has_an_engine() -> None:
    assert set(KINDS) == set(cpu.ENGINES)


def test_the_image_is_built_in_two_stages_from_a_pinned_base() -> None:
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    stages = DOCKERFILE.split("FROM ${BASE}")
    assert len(stages) == 3
    assert "g++" in stages[1]
    assert "g++" not in stages[2]


def test_the_image_runs_as_an_unprivileged_user_with_programs_and_models() -> None:
    assert "\nUSER 10000:10000\n" in DOCKERFILE
    assert "espeak-ng ffmpeg" in DOCKERFILE.split("FROM ${BASE}")[2]
    assert "SYNAPSE_ENGINES_MODELS=/models" in DOCKERFILE
    (command,) = PROJECT["project"]["scripts"]
    assert f'\nENTRYPOINT ["{command}"]\n' in DOCKERFILE


def test_a_change_of_the_source_does_not_compile_llama_cpp_again() -> None:
    assert DOCKERFILE.index("--no-install-project") < DOCKERFILE.index("COPY synapse_engines")


def test_every_package_is_pinned_by_hash() -> None:
    assert DOCKERFILE.count("uv sync") == DOCKERFILE.count("uv sync --locked")
    for package in LOCK["package"]:
        if "editable" not in package["source"]:
            files = [package["sdist"]] if package["name"] in SOURCE_ONLY else package["wheels"]
            assert all(each["hash"].startswith("sha256:") for each in files), package["name"]


def test_compiled_packages_are_portable_and_the_same_in_the_tests() -> None:
    """uv reads these tables only in the project that it installs, so the root and each image have them."""
    root: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    gateway: dict[str, Any] = tomllib.loads((ROOT / "gateway_image/pyproject.toml").read_text())["tool"]["uv"]
    engines: dict[str, Any] = PROJECT["tool"]["uv"]
    assert root["extra-build-variables"] == engines["extra-build-variables"]
    assert root["dependency-metadata"] == [*gateway["dependency-metadata"], *engines["dependency-metadata"]]
    assert "GGML_NATIVE=OFF" in PROJECT["tool"]["uv"]["extra-build-variables"]["llama-cpp-python"]["CMAKE_ARGS"]


def test_the_tests_use_the_versions_of_the_image() -> None:
    root: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text())
    versions = {package["name"]: package.get("version") for package in root["package"]}
    for package in LOCK["package"]:
        if package["name"] in {"llama-cpp-python", "pyrnnoise", "starlette", "uvicorn"}:
            assert versions[package["name"]] == package["version"]
