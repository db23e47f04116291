"""One twin of the forge for all engine tests, and projects of one's own on it."""

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

from infra.settings.loader import ROOT, load
from ops.cluster.target import simulated_node
from tests.conftest import Config, forge_config
from tools.offline.engine import Completed, Engine
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
    """A twin of the forge's node, gone after the session; one whose session was killed goes with the next."""
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
    """One of the test's own: what an earlier test left behind, such as a namespace that is going, is in no way."""
    return f"t{zlib.crc32(request.node.nodeid.encode()):x}"


@pytest.fixture
def engine(kubeconfig: Path, tmp_path: Path, namespace: str) -> Iterator[Engine]:
    """The forge's own project with a fresh stack; everything it made is gone after the test."""
    engine = Engine(stack="forge", state=tmp_path / "engine", kubeconfig=kubeconfig, project=ROOT)
    engine.prepare({"synapse:namespace": namespace})
    yield engine
    clean(engine, kubeconfig, namespace)


MakeProject = Callable[..., Engine]


@pytest.fixture
def project(kubeconfig: Path, tmp_path: Path, namespace: str) -> Iterator[MakeProject]:
    """Make an engine for the forge's program with hand-written resources after it, under a changed stack file."""
    engines: list[Engine] = []

    def make(by_hand: str = "", settings: Config | None = None) -> Engine:
        folder = tmp_path / "project"
        write_project(folder, textwrap.dedent(by_hand), settings or forge_config())
        engine = Engine(stack="forge", state=tmp_path / "engine", kubeconfig=kubeconfig, project=folder)
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


def clean(engine: Engine, kubeconfig: Path, namespace: str) -> None:
    """Take away what a test left in the cluster: its resources, and the namespace that they would stay in."""
    engine.capture("cancel", "--yes")
    ok(engine.capture("destroy", "--yes", "--refresh"))
    with config.new_client_from_config(str(kubeconfig)) as api, contextlib.suppress(client.ApiException):  # type: ignore[no-untyped-call]
        client.CoreV1Api(api).delete_namespace(namespace)


def ok(done: Completed) -> str:
    """The output of a command that had to succeed."""
    assert done.code == 0, done.output
    return done.output


def refused(done: Completed) -> str:
    """The output of a command that had to fail."""
    assert done.code != 0, done.output
    return done.output
