"""Dockerfile of the gateway: build stages, user and port match the stacks."""

import re
import tomllib
from importlib.metadata import version

from infra.catalog.kinds import CATALOG
from infra.settings.model import ROOT

FOLDER = ROOT / "gateway_image"
RECIPE = (FOLDER / "Dockerfile").read_text()
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text())
LOCK = tomllib.loads((FOLDER / "uv.lock").read_text())
GATEWAY = CATALOG["gateway"]


def test_it_is_built_in_two_stages_from_a_pinned_base() -> None:
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", RECIPE, re.MULTILINE)
    assert [line.split()[1] for line in RECIPE.splitlines() if line.startswith("FROM")] == ["${BASE}"] * 2


def test_it_runs_as_the_user_and_on_the_port_of_the_catalogue() -> None:
    assert f"\nUSER {GATEWAY.user}:{GATEWAY.user}\n" in RECIPE
    assert f"\nEXPOSE {GATEWAY.container_port}\n" in RECIPE


def test_it_starts_the_gateway_and_has_the_downloader() -> None:
    assert set(PROJECT["project"]["scripts"]) == {"synapse-gateway", "synapse-models"}
    assert '\nENTRYPOINT ["synapse-gateway"]\n' in RECIPE
    assert RECIPE.count("--extra models") == 2
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [f"COPY {package} {package}" in RECIPE for package in packages] == [True, True]


def test_every_package_in_it_is_pinned_by_hash() -> None:
    assert "--locked" in RECIPE
    for package in LOCK["package"]:
        if "virtual" not in package["source"] and "editable" not in package["source"]:
            assert all(wheel["hash"].startswith("sha256:") for wheel in package["wheels"]), package["name"]


def test_packages_with_vulnerabilities_are_newer() -> None:
    """redis-py before 4.5.4 returned the reply of another request after a cancellation."""
    versions = {package["name"]: package.get("version", "") for package in LOCK["package"]}
    assert tuple(map(int, versions["redis"].split(".")[:3])) >= (4, 5, 4)
    assert tuple(map(int, versions["python-multipart"].split("."))) >= (0, 0, 27)


def test_the_tests_run_what_is_in_the_image() -> None:
    versions = {package["name"]: package.get("version", "") for package in LOCK["package"]}
    for name in ("httptools", "huggingface-hub", "msgspec", "uvloop", "redis"):
        assert version(name) == versions[name]
