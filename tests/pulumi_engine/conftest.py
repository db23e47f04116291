"""One twin of the forge for all engine tests, and a project for each test."""

import contextlib
import os
import textwrap
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from infra.settings.loader import load
from infra.settings.model import ROOT
from ops.cluster.target import simulated_node
from tests.conftest import Config, forge_config
from tools.offline.engine import CommandOutput, PulumiEngine
from tools.twin import Twin

PACK = ("--policy-pack", str(ROOT / "policies"))
PROGRAM = f"""
import runpy
import pulumi
import pulumi_kubernetes as k8s

runpy.run_path({str(ROOT / "infra/__main__.py")!r}, run_name="__main__")
opts = pulumi.ResourceOptions(provider=k8s.Provider("by-hand"))
"""


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def kubeconfig(state: Path) -> Iterator[Path]:
    """Run a twin of the forge's node; one of a killed session is swept by the next."""
    Twin.sweep(state)
    twin = Twin("forge", state, owner_pid=os.getpid())
    try:
        yield twin.up(simulated_node(load("forge")))
    finally:
        twin.down()


@pytest.fixture
def core(kubeconfig: Path) -> Iterator[Any]:
    with config.new_client_from_config(str(kubeconfig)) as api:  # type: ignore[no-untyped-call]
        yield client.CoreV1Api(api)


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """Return a namespace name of this test, apart from one that another test is still deleting."""
    return f"t{zlib.crc32(request.node.nodeid.encode()):x}"


@pytest.fixture
def engine(kubeconfig: Path, tmp_path: Path, namespace: str) -> Iterator[PulumiEngine]:
    """Yield an engine for this project with a new stack; remove its resources after the test."""
    engine = PulumiEngine(stack="forge", state=tmp_path / "engine", kubeconfig=kubeconfig, project=ROOT)
    engine.prepare({"synapse:namespace": namespace})
    yield engine
    clean(engine, kubeconfig, namespace)


MakeProject = Callable[..., PulumiEngine]


@pytest.fixture
def project(kubeconfig: Path, tmp_path: Path, namespace: str) -> Iterator[MakeProject]:
    """Yield a function that makes an engine for the forge's program with more resources and another stack file."""
    engines: list[PulumiEngine] = []

    def make(by_hand: str = "", settings: Config | None = None) -> PulumiEngine:
        folder = tmp_path / "project"
        write_project(folder, textwrap.dedent(by_hand), settings or forge_config())
        engine = PulumiEngine(stack="forge", state=tmp_path / "engine", kubeconfig=kubeconfig, project=folder)
        engine.prepare({"synapse:namespace": namespace})
        engines[:] = [engine]
        return engine

    yield make
    for engine in engines:
        clean(engine, kubeconfig, namespace)


def write_project(folder: Path, by_hand: str, settings: Config) -> None:
    (folder / "program").mkdir(parents=True, exist_ok=True)
    manifest = yaml.safe_load((ROOT / "Pulumi.yaml").read_text()) | {"main": "program/"}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(manifest))
    (folder / "Pulumi.forge.yaml").write_text(yaml.safe_dump({"config": settings}))
    (folder / "program/__main__.py").write_text(PROGRAM + by_hand)


def clean(engine: PulumiEngine, kubeconfig: Path, namespace: str) -> None:
    """Remove a test's resources and its namespace from the cluster. Only a killed run needs more than a `destroy`."""
    if engine.capture("destroy", "--yes").code:
        engine.capture("cancel", "--yes")
        ok(engine.capture("destroy", "--yes", "--refresh"))
    with config.new_client_from_config(str(kubeconfig)) as api, contextlib.suppress(client.ApiException):  # type: ignore[no-untyped-call]
        client.CoreV1Api(api).delete_namespace(namespace)


def ok(done: CommandOutput) -> str:
    """Return the output of a command that must succeed."""
    assert done.code == 0, done.output
    return done.output


def refused(done: CommandOutput) -> str:
    """Return the output of a command that must fail."""
    assert done.code != 0, done.output
    return done.output
