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
ENVIRONMENTS = sorted(file.parent.name for file in (FOLDER / "environments").glob("*/uv.lock"))
OTHER_PACKAGES = {"components", "infra", "policies", "stacks", "synapse_gateway", "tests", "tools"}
SAME = {"faster-whisper", "kokoro-onnx", "onnx-asr", "onnxruntime", "piper-tts", "starlette", "uvicorn"}
"""Packages that decide what an engine answers."""


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
    assert set(KINDS) == {kind for kind, engine in cpu.ENGINES.items() if engine.source == cpu.SPEECH_SOURCE}


def test_the_image_is_built_in_two_stages_from_a_pinned_base() -> None:
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    stages = DOCKERFILE.split("FROM ${BASE}")
    assert len(stages) == 3
    assert "python3-venv" in stages[1]
    assert "python3-venv" not in stages[2]


def test_the_image_runs_as_an_unprivileged_user_with_ffmpeg_and_no_models() -> None:
    assert "\nUSER 10000:10000\n" in DOCKERFILE
    assert "ffmpeg" in DOCKERFILE.split("FROM ${BASE}")[2]
    assert "SYNAPSE_ENGINES_MODELS=/models" in DOCKERFILE
    (command,) = PROJECT["project"]["scripts"]
    assert f'\nENTRYPOINT ["{command}"]\n' in DOCKERFILE


def test_a_change_of_the_source_does_not_install_the_libraries_again() -> None:
    assert DOCKERFILE.index("--no-install-package synapse-engines") < DOCKERFILE.index("COPY synapse_engines")


def test_every_package_is_pinned_by_hash() -> None:
    assert DOCKERFILE.count("uv sync") == DOCKERFILE.count("uv sync --locked")
    check_pins(LOCK)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_for_a_gpu_is_pinned_and_in_the_readme(name: str) -> None:
    lock: dict[str, Any] = tomllib.loads((FOLDER / "environments" / name / "uv.lock").read_text())
    check_pins(lock)
    versions = {package["name"]: package.get("version") for package in LOCK["package"]}
    for package in lock["package"]:
        if package["name"] in SAME & set(versions):
            assert versions[package["name"]] == package["version"]
    assert f"| `{name}` |" in (FOLDER / "README.md").read_text(encoding="utf-8")


def check_pins(lock: dict[str, Any]) -> None:
    for package in lock["package"]:
        if "registry" in package["source"]:
            assert package["source"]["registry"] == "https://pypi.org/simple", package["name"]
            assert package["wheels"], package["name"]  # nothing is compiled
            assert all(each["hash"].startswith("sha256:") for each in package["wheels"]), package["name"]
        else:
            assert package["name"].startswith("synapse-engines")


def test_the_tests_use_the_versions_of_the_image() -> None:
    root: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text())
    versions = {package["name"]: package.get("version") for package in root["package"]}
    for package in LOCK["package"]:
        if package["name"] in SAME:
            assert versions[package["name"]] == package["version"]


def test_every_setting_is_in_the_readme() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    source = (FOLDER / "synapse_engines/settings.py").read_text(encoding="utf-8")
    names = re.findall(r'(?:_choice|_number)\(environment, "(\w+)"', source) + re.findall(
        r"\{PREFIX\}([A-Z]+)\"", source
    )
    assert len(names) > 8
    assert [name for name in names if f"`SYNAPSE_ENGINES_{name}`" not in page] == []
    assert [kind for kind in KINDS if f"| `{kind}` |" not in page] == []
