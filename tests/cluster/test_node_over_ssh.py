"""A node without a registry: it builds the gateway itself, over SSH, and its pods run what was imported into it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from tests.cluster import k3s_command
from tests.cluster.stack.checkout import GATEWAY
from tests.cluster.stack.local import NAME, LocalStack, is_ready
from tests.shipped import copy_checkout
from tests.tools import sshd
from tools.cluster import Cluster
from tools.images.k3s import ImageStore, parse

BUILD_VARIABLES = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "HTTP", "NO_PROXY", "SYNAPSE_CACHE")
"""Prefixes of the variables for package indexes and the build cache."""
NAMESPACE = "over-ssh"


@dataclass(frozen=True, kw_only=True)
class NodeStack:
    """A stack with only a gateway, whose build host is the node; *programs* is a folder on the host's PATH."""

    local: LocalStack
    kubeconfig: Path
    programs: Path
    api: Any

    def up(self, code: int | None = 0) -> str:
        return self.local.run("up", "--kubeconfig", str(self.kubeconfig), code=code).output

    def images(self) -> list[str]:
        """Return the image of each ready pod of the gateway."""
        core: Any = client.CoreV1Api(self.api)
        pods = core.list_namespaced_pod(NAMESPACE, label_selector=f"{NAME}={GATEWAY}").items
        alive = [pod for pod in pods if not pod.metadata.deletion_timestamp and is_ready(pod)]
        return [pod.spec.containers[0].image for pod in alive]


def stack(server: sshd.Sshd) -> dict[str, Any]:
    host = {key: server.connection[key] for key in ("host", "port", "user", "hostKey")}
    gateway = {
        "image": "build",
        "replicas": 1,
        "memory": {"request": "128Mi", "limit": "512Mi"},
        "cpu": {"request": "50m", "limit": "500m"},
        "disk": "1Gi",
    }
    return {
        "synapse:phase": 3,
        "synapse:namespace": NAMESPACE,
        "synapse:node": {"name": "node", "memory": "3Gi", "cpus": 2},
        "synapse:buildHost": host | {"folder": str(server.folder / "builds")},
        "synapse:services": {"gateway": gateway},
    }


@pytest.fixture
def node(cluster: Cluster, api: Any, state: Path, tmp_path: Path) -> Iterator[NodeStack]:
    """Make the stack; the node's sshd runs on this machine, where `k3s` leads into the cluster's node."""
    programs = tmp_path / "programs"
    local = LocalStack(folder=tmp_path / "checkout", name=f"over-ssh-{os.getpid()}", state=state)
    copy_checkout(local.folder)
    environment = {key: value for key, value in os.environ.items() if key.upper().startswith(BUILD_VARIABLES)}
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    made = NodeStack(local=local, kubeconfig=cluster.kubeconfig, programs=programs, api=api)
    with (
        sshd.running(tmp_path / "host", environment) as server,
        sshd.agent(tmp_path / "host", server.folder / "client") as agent,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SSH_AUTH_SOCK", str(agent))
        (local.folder / f"Pulumi.{local.name}.yaml").write_text(yaml.safe_dump({"config": stack(server)}))
        try:
            yield made
        finally:
            local.attempt("down", "--kubeconfig", str(cluster.kubeconfig))
            client.CoreV1Api(api).delete_namespace(NAMESPACE)
            shutil.rmtree(state / "engines" / local.name, ignore_errors=True)


def test_the_node_builds_and_imports_what_its_pods_run(node: NodeStack, cluster: Cluster) -> None:
    refused = node.up(code=None)
    assert "has no program k3s, so no image store of a node; accepted: the machine that is the stack's node" in refused
    assert node.images() == []

    k3s_command.install(cluster, node.programs)
    node.up()
    (first,) = node.images()
    assert first.startswith("localhost/synapse-gateway:")
    assert "unchanged" in node.up()
    node.local.edit_gateway()
    node.up()
    (second,) = node.images()
    assert second.partition("@")[0] != first.partition("@")[0]

    store = ImageStore((str(node.programs / "k3s"), "ctr"))
    digests = {image.digest for image in parse(store.run("images", "ls")) if "gateway" in image.names[0]}
    assert digests == {first.partition("@")[2], second.partition("@")[2]}  # the former one, to roll back to
