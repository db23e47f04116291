"""The folders of this repository that images are built from: bases, packages and secrets."""

import re
import tomllib

import pytest

from infra.settings.model import ROOT
from tools.images import content

PYTHON = ("gateway_image", "engines_image")
"""Packages of this repository, which uv installs."""
PIP = ("llama_image", "models_image")
"""Folders with pinned packages of others."""


@pytest.mark.parametrize("source", [*PYTHON, *PIP])
def test_the_shipped_folders_name_a_base_by_digest(source: str) -> None:
    assert re.search(r"@sha256:[0-9a-f]{64}$", content.base(ROOT / source))
    assert not [file for file in content.files(ROOT / source) if "__pycache__" in file.parts or ".venv" in file.parts]


@pytest.mark.parametrize("secret", ["ca", "pip", "npm"])
def test_the_image_of_the_models_uses_every_secret_and_keeps_none(secret: str) -> None:
    """Each of its clients reads one: apt and all others, pip, and npm."""
    build, _, final = (ROOT / "models_image/Dockerfile").read_text().partition("\nFROM ${BASE}\n")
    assert f"--mount=type=secret,id={secret}," in build
    assert "type=secret" not in final


@pytest.mark.parametrize("source", PIP)
def test_packages_of_a_build_are_pinned(source: str) -> None:
    lines = (ROOT / source / "requirements.txt").read_text().splitlines()
    assert all(re.match(r"[a-z-]+==\d[\d.]+( --hash=sha256:[0-9a-f]{64})?$", line) for line in lines)


@pytest.mark.parametrize("source", PYTHON)
def test_the_shipped_folders_have_their_own_uv_settings(source: str) -> None:
    """Without them uv would use those of a parent folder, and lock packages that the image does not have."""
    assert "uv" in tomllib.loads((ROOT / source / "pyproject.toml").read_text())["tool"]


@pytest.mark.parametrize("folder", PYTHON)
def test_an_image_is_built_with_the_uv_of_the_checkout(folder: str) -> None:
    """The build then finds the wheels of the machine's cache."""
    (version,) = re.findall(r"^version=(\S+)$", (ROOT / "tools/uv").read_text(), re.MULTILINE)
    assert f'"uv=={version}"' in (ROOT / folder / "Dockerfile").read_text()
