"""A node that runs K3s or its stand-in: the same objects, DNS, volumes and policies as the other node."""

import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from infra.settings.model import ROOT
from tests.cluster.conftest import MIB, NAMES, SIZE, Space, eventually
from tests.cluster.test_node import DENY
from tools.cluster import Cluster
from tools.cluster.configs import ReservedResources
from tools.cluster.distribution import choose_distribution
from tools.cluster.k3s import K3s


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Put `k3s` first on PATH: the real one where it is installed."""
    with pytest.MonkeyPatch.context() as patch:
        if path := shutil.which("k3s"):
            yield Path(path)
            return
        stand_in = tmp_path_factory.mktemp("k3s") / "k3s"
        script = ROOT / "tests/cluster/k3s_stand_in.py"  # a node has no modules but its own
        stand_in.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} {script} "$@"\n')
        stand_in.chmod(0o755)
        patch.setenv("PATH", str(stand_in.parent), prepend=os.pathsep)
        yield stand_in


@pytest.fixture(scope="module")
def k3s(program: Path, state: Path) -> Iterator[Cluster]:
    cluster = Cluster(f"k3s-{os.getpid()}", state, owner_pid=os.getpid())
    distribution = choose_distribution(cluster.name, "/unused", ReservedResources(memory=0, cpu=0))
    assert isinstance(distribution, K3s)
    assert distribution.program == program
    try:
        cluster.up(size=SIZE)
        yield cluster
    finally:
        cluster.delete()


@pytest.fixture
def space(k3s: Cluster, shell: str) -> Iterator[Space]:
    with config.new_client_from_config(str(k3s.kubeconfig)) as api:  # type: ignore[no-untyped-call]
        space = Space(f"test-{next(NAMES)}", api, shell)
        space.core.create_namespace({"metadata": {"name": space.name}})
        eventually(space.has_account, "no service account")
        yield space
        space.core.delete_namespace(space.name)


def test_it_is_the_one_component_and_offers_the_requested_size(k3s: Cluster, space: Space) -> None:
    assert {*k3s.status().components} == {"k3s", "forward-api"}
    assert k3s.status().is_healthy
    (node,) = space.core.list_node().items
    assert node.status.allocatable["memory"] == f"{SIZE.memory // MIB}Mi"
    assert node.status.allocatable["cpu"] == f"{SIZE.cpu}m"


def test_pods_reach_each_other_and_policies_hold(space: Space) -> None:
    address = space.serve("server", "hello")
    number = itertools.count()
    name = f"server.{space.name}.svc.cluster.local"
    eventually(lambda: space.fetch(f"before-{next(number)}", name) == "hello", "the service does not respond")
    networking: Any = client.NetworkingV1Api(space.api)
    networking.create_namespaced_network_policy(space.name, {"metadata": {"name": "deny"}, "spec": DENY})
    eventually(lambda: space.fetch(f"during-{next(number)}", address, 8080) == "blocked", "the policy does not hold")


def test_down_keeps_its_data(k3s: Cluster, space: Space) -> None:
    space.core.create_namespaced_config_map(space.name, {"metadata": {"name": "kept"}})
    before = k3s.address("api")
    k3s.down()
    assert not k3s.status().components
    k3s.up()
    assert k3s.address("api") == before
    assert space.core.read_namespaced_config_map("kept", space.name)
