"""Images that the stack builds, through the real engine: first build, edit and failure."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from infra.settings.model import ROOT
from tests.conftest import forge_config
from tests.pulumi_engine.conftest import PACK, clean, ok, write_project
from tests.tools.images import fake_docker
from tools.images import content
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
PROGRAM = """
import dataclasses
import runpy

from infra.catalog import kinds

kinds.CATALOG["gateway"] = dataclasses.replace(kinds.CATALOG["gateway"], source={source!r})
runpy.run_path({program!r}, run_name="__main__")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of gateway_image to edit."""
    content.copy(ROOT / "gateway_image", tmp_path / "gateway_image")
    return tmp_path / "gateway_image"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a fake Docker first on PATH; return its file of calls."""
    file = fake_docker.install(tmp_path / "bin", base=content.base(ROOT / "gateway_image"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return file


@pytest.fixture
def engine(kubeconfig: Path, tmp_path: Path, namespace: str, source: Path, calls: Path) -> Iterator[PulumiEngine]:
    settings = forge_config()
    settings["synapse:registry"] = "registry.example/team"
    settings["synapse:services"] = {"gateway": {"image": "build"}, "ollama": settings["synapse:services"]["ollama"]}
    settings["synapse:routes"] = {}
    project = tmp_path / "project"
    write_project(project, "", settings)
    program = PROGRAM.format(source=str(source), program=str(ROOT / "infra/__main__.py"))
    (project / "program/__main__.py").write_text(program)
    made = PulumiEngine(stack="forge", state=tmp_path / "engine", kubeconfig=kubeconfig, project=project)
    made.prepare({"synapse:namespace": namespace, "synapse:phase": 3})
    yield made
    clean(made, kubeconfig, namespace)


@pytest.fixture
def apps(kubeconfig: Path) -> Iterator[Any]:
    with config.new_client_from_config(str(kubeconfig)) as api:  # type: ignore[no-untyped-call]
        yield client.AppsV1Api(api)


def test_an_edit_builds_again_and_rolls_the_gateway_alone(
    engine: PulumiEngine, apps: Any, namespace: str, source: Path, calls: Path
) -> None:
    ok(engine.capture("preview", *PACK))
    assert not calls.exists()  # a preview builds nothing
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    before = deployed(apps, namespace)
    assert before["synapse-gateway"].startswith("registry.example/team/synapse-gateway:")
    assert "@sha256:" in before["synapse-gateway"]

    built = calls.read_text().count('"build"')
    assert "unchanged" in ok(engine.capture("up", "--yes", "--skip-preview", "--expect-no-changes", *PACK))
    assert calls.read_text().count('"build"') == built == 1

    (source / "synapse_gateway/__init__.py").write_text('"""Edited."""\n')
    done = ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    after = deployed(apps, namespace)
    assert after["ollama"] == before["ollama"]
    assert after["synapse-gateway"] != before["synapse-gateway"]
    changed = [line for line in done.splitlines() if "updated" in line or "replaced" in line]
    assert len([line for line in changed if "kubernetes:" in line]) == 1, done


def test_a_failed_build_keeps_the_running_images(engine: PulumiEngine, apps: Any, namespace: str, source: Path) -> None:
    ok(engine.capture("up", "--yes", "--skip-preview"))
    before = deployed(apps, namespace)
    with (source / "Dockerfile").open("a") as file:
        file.write("RUN FAIL\n")
    failed = engine.capture("up", "--yes", "--skip-preview")
    assert failed.code != 0
    assert "step 3 of 7: no such package" in failed.output
    assert deployed(apps, namespace) == before


def deployed(apps: Any, namespace: str) -> dict[str, str]:
    deployments = apps.list_namespaced_deployment(namespace).items
    return {each.metadata.name: each.spec.template.spec.containers[0].image for each in deployments}
