"""A gateway that a build host builds: over SSH, to a registry, and into a cluster's pods."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
import yaml
from kubernetes import client

from tests.cluster import registry
from tests.cluster.stack.checkout import Checkout, images
from tests.cluster.stack.local import LocalStack
from tests.tools import sshd

BUILD_VARIABLES = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "HTTP", "NO_PROXY", "SYNAPSE_CACHE")
"""Prefixes of the variables for package indexes and the build cache."""
NAMESPACE = "far"
PLAIN = '[[registry]]\nlocation = "{address}"\ninsecure = true\n'


@dataclass(frozen=True, kw_only=True)
class RemoteBuild:
    """A stack with only a gateway on the local stack's cluster, which it knows by the kubeconfig."""

    local: LocalStack
    server: sshd.Sshd
    address: str

    @property
    def file(self) -> Path:
        return self.local.folder / f"Pulumi.{self.local.name}.yaml"

    @property
    def kubeconfig(self) -> tuple[str, str]:
        cluster = LocalStack(
            folder=self.local.folder, name=self.local.name.removesuffix("-far"), state=self.local.state
        ).cluster
        return "--kubeconfig", str(cluster.kubeconfig)

    def write(self, **more: Any) -> None:
        self.file.write_text(yaml.safe_dump({"config": stack(self.server, self.address, **more)}))


def stack(server: sshd.Sshd, address: str, **more: Any) -> dict[str, Any]:
    connection = server.connection
    host = {key: connection[key] for key in ("host", "port", "user", "hostKey")}
    gateway = {
        "image": "build",
        "replicas": 1,
        "memory": {"request": "128Mi", "limit": "512Mi"},
        "cpu": {"request": "50m", "limit": 1},
        "disk": "1Gi",
    }
    return {
        "synapse:phase": 3,
        "synapse:namespace": NAMESPACE,
        "synapse:node": {"name": "far", "memory": "4Gi", "cpus": 4},
        "synapse:registry": f"{address}/team",
        "synapse:buildHost": host | {"folder": str(server.folder / "builds")} | more,
        "synapse:services": {"gateway": gateway},
    }


@pytest.fixture(scope="module")
def far(local: LocalStack, checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteBuild]:
    """Make a stack whose build host is an sshd on this machine; the cluster's node reaches the registry."""
    folder, head = tmp_path_factory.mktemp("host"), checkout.git("rev-parse", "HEAD")
    environment = {key: value for key, value in os.environ.items() if key.upper().startswith(BUILD_VARIABLES)}
    with (
        registry.running(local.cluster) as address,
        sshd.running(folder, environment | {"CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf")}) as server,
        sshd.agent(folder, server.folder / "client") as agent,
        pytest.MonkeyPatch.context() as patch,
    ):
        (folder / "registries.conf").write_text(PLAIN.format(address=address))
        patch.setenv("SSH_AUTH_SOCK", str(agent))
        remote = RemoteBuild(local=replace(local, name=f"{local.name}-far"), server=server, address=address)
        remote.write()
        checkout.commit()
        try:
            yield remote
        finally:
            remote.write()
            remote.local.attempt("down", *remote.kubeconfig)
            with local.core() as core, suppress(client.ApiException):
                core.delete_namespace(NAMESPACE)
            rmtree(local.state / "engines" / remote.local.name, ignore_errors=True)
            checkout.git("reset", "--quiet", "--hard", head)


def test_the_pods_run_the_image_of_the_build_host(far: RemoteBuild, local: LocalStack, checkout: Checkout) -> None:
    far.write()  # another test pins another key
    done = far.local.run("up", *far.kubeconfig)
    assert "127.0.0.1" in done.output
    (first,) = images(local, NAMESPACE).values()
    assert first.startswith(f"{far.address}/team/synapse-gateway:")

    checkout.append("__init__.py", "# of another machine\n")
    commit = checkout.commit()
    done = far.local.attempt("release", "--json", *far.kubeconfig)
    assert done.code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["outcome"], document["commit"], document["previous"]) == ("released", commit, first)
    (pod,) = document["pods"]
    assert pod["imageId"].rpartition("@")[2] == document["image"].rpartition("@")[2]
    assert document["image"] != first
    assert images(local, NAMESPACE) == {pod["name"]: document["image"]}
    files = {path.name for path in (far.server.folder / "builds").iterdir()}
    assert len(files) == 1  # the last build context, and nothing unpacked


def test_a_host_with_another_key_gets_nothing_and_nothing_changes(
    far: RemoteBuild, local: LocalStack, checkout: Checkout
) -> None:
    before = images(local, NAMESPACE)
    far.write(hostKey=sshd.public(sshd.make_key(far.server.folder / "other")))
    checkout.append("__init__.py", "# for another host\n")
    checkout.commit()
    log = far.server.log.count("Accepted")
    done = far.local.attempt("release", *far.kubeconfig)
    assert done.code == 1, done.output
    assert "its host key is not the pinned one, and nothing was sent there" in done.output
    assert "could not be built or published; nothing was changed" in done.output
    assert far.server.log.count("Accepted") == log
    assert images(local, NAMESPACE) == before
