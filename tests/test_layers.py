"""Who may import whom: the description knows no resources, the resources no stack, the tools nothing of either."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings.loader import ROOT

OURS = ("components", "infra", "policies", "stacks", "tools")
ALLOWED = {
    "infra": {"infra"},
    "components": {"components", "infra"},
    "components/image.py": {"components", "infra", "tools"},
    "stacks": {"stacks", "components", "infra"},
    "policies": {"policies", "infra"},
    "tools": {"tools"},
    "infra/cli": set(OURS),
    "infra/__main__.py": {"infra", "stacks"},
}
FILES = [path.relative_to(ROOT) for folder in OURS for path in sorted((ROOT / folder).rglob("*.py"))]


def layer(file: Path) -> str:
    """The most particular entry of ALLOWED that the file is under."""
    return next(str(place) for place in (file, *file.parents) if str(place) in ALLOWED)


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_stay_within_their_layer(file: Path) -> None:
    packages = {name.split(".")[0] for name in imports(file)} & set(OURS)
    assert packages <= ALLOWED[layer(file)]


@pytest.mark.parametrize("file", [file for file in FILES if layer(file) == "infra"], ids=str)
def test_the_description_needs_no_engine(file: Path) -> None:
    assert not {name for name in imports(file) if name.split(".")[0].startswith("pulumi")}


GATEWAY = sorted((ROOT / "gateway_image/synapse_gateway").rglob("*.py"))
MODELS = sorted((ROOT / "gateway_image/synapse_models").rglob("*.py"))


@pytest.mark.parametrize("file", GATEWAY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_gateway_stands_alone(file: Path) -> None:
    """Its image holds no other package of ours, and httpx wedges when it is cancelled."""
    packages = {name.split(".")[0] for name in imports(file.relative_to(ROOT))}
    assert not packages & {*OURS, "tests", "httpx", "aiohttp", "requests"}


@pytest.mark.parametrize("file", MODELS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_downloader_stands_alone(file: Path) -> None:
    packages = {name.split(".")[0] for name in imports(file.relative_to(ROOT))}
    assert not packages & {*OURS, "synapse_gateway", "tests"}


@pytest.mark.parametrize("file", [*GATEWAY, *MODELS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_of_the_gateway_is_long(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300
