"""Direction of imports: cli -> ops -> stacks -> components -> infra; policies -> infra; nothing imports cli."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from infra.settings.model import ROOT
from tests.imports import cycle, import_graph, imported_names

OURS: Final = ("cli", "components", "infra", "ops", "policies", "stacks", "tools")
ALLOWED: Final = {
    "infra": {"infra"},
    "infra/__main__.py": {"infra", "stacks"},
    "components": {"components", "infra"},
    "components/image.py": {"components", "infra", "tools"},
    "stacks": {"stacks", "components", "infra"},
    "policies": {"policies", "infra"},
    "ops": {"ops", "stacks", "components", "infra", "policies", "tools"},
    "cli": set(OURS),
    "tools": {"tools"},
}
"""Packages of ours that each room may import; the most particular entry counts."""
FORBIDDEN: Final = {
    "infra": {"pulumi", "pulumi_kubernetes", "kubernetes", "httpx", "typer"},
    "infra/__main__.py": {"kubernetes", "httpx", "typer"},
    "ops": {"typer"},
    "policies": {"kubernetes", "httpx", "typer"},
}
"""Libraries that a room may not import."""
GATEWAY: Final = ROOT / "gateway_image"
FILES: Final = [path.relative_to(ROOT) for folder in OURS for path in sorted((ROOT / folder).rglob("*.py"))]


def room(file: Path, table: dict[str, set[str]]) -> str | None:
    """The most particular entry of *table* that the file is under."""
    return next((str(place) for place in (file, *file.parents) if str(place) in table), None)


def violations(file: Path, imported: Iterable[str]) -> set[str]:
    """Packages that the file imports and may not."""
    packages = {name.split(".")[0] for name in imported}
    layer, restricted = room(file, ALLOWED), room(file, FORBIDDEN)
    ours = (packages & set(OURS)) - ALLOWED[layer or ""]
    return ours | (packages & FORBIDDEN[restricted] if restricted else set())


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_stay_within_their_layer(file: Path) -> None:
    assert not violations(file, imported_names(ROOT / file))


@pytest.mark.parametrize(
    ("file", "imported"),
    [
        ("infra/plan/stack.py", "ops.cluster"),
        ("infra/plan/stack.py", "components"),
        ("infra/settings/loader.py", "pulumi"),
        ("infra/sizing/ledger.py", "typer"),
        ("components/pod.py", "stacks.forge"),
        ("components/pod.py", "tools.images"),
        ("stacks/forge.py", "policies.pack"),
        ("policies/pack.py", "components.pod"),
        ("ops/cluster/pods.py", "cli.options"),
        ("ops/smoke/run.py", "typer"),
        ("tools/paths.py", "infra.errors"),
    ],
)
def test_an_arrow_that_is_turned_round_is_refused(file: str, imported: str) -> None:
    assert violations(Path(file), [imported]) == {imported.split(".", maxsplit=1)[0]}


@pytest.mark.parametrize("package", OURS)
def test_no_module_imports_itself_in_a_cycle(package: str) -> None:
    """Cycles for type checkers alone count too: a reader has to follow them all the same."""
    assert not cycle(import_graph(ROOT, (package,)))


def test_the_gateway_has_no_import_cycle() -> None:
    assert not cycle(import_graph(GATEWAY, ("synapse_gateway",)))


def test_a_cycle_is_found(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/first.py").write_text("from package import second\n")
    (tmp_path / "package/second.py").write_text("import typing\nif typing.TYPE_CHECKING:\n    import package.first\n")
    assert set(cycle(import_graph(tmp_path, ("package",)))) == {"package.first", "package.second"}


@pytest.mark.parametrize(
    "file",
    sorted((GATEWAY / "synapse_gateway").rglob("*.py")),
    ids=lambda path: str(path.relative_to(GATEWAY)),
)
def test_the_gateway_stands_alone(file: Path) -> None:
    """Its image holds no other package of ours, and httpx hangs when it is cancelled."""
    packages = {name.split(".")[0] for name in imported_names(file)}
    assert not packages & {*OURS, "tests", "httpx", "aiohttp", "requests"}
