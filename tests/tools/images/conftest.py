"""A folder that an image is built from, and a Docker that records its calls."""

import json
from pathlib import Path

import pytest

from tests.tools.images import fake_docker
from tools.images.build import Images

BASE = f"registry.example/python:3@sha256:{64 * 'c'}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "thing_image"
    (made / "package/__pycache__").mkdir(parents=True)
    (made / "Dockerfile").write_text(f"ARG BASE={BASE}\nFROM ${{BASE}}\n")
    (made / ".dockerignore").write_text("# not copied\n**/notes\nDockerfile\n")
    (made / "package/main.py").write_text("print(1)\n")
    (made / "package/__pycache__/main.pyc").write_text("x")
    (made / "notes").write_text("x")
    return made


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a PATH with a fake Docker only; return its file of calls."""
    file = fake_docker.install(tmp_path / "bin", base=BASE)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return file


@pytest.fixture
def images(tmp_path: Path, calls: Path) -> Images:
    return Images(tmp_path / "cache")


def calls_of(calls: Path, verb: str) -> list[list[str]]:
    lines = (json.loads(line) for line in calls.read_text().splitlines())
    return [line for line in lines if line[0] == verb]
