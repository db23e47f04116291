"""A gateway that another machine builds: over SSH, through a registry, and into the pods of a cluster."""

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
from tests.cluster.stack.local import Local
from tests.tools import sshd

REACHES = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "HTTP", "NO_PROXY", "SYNAPSE_CACHE")
"""Variables by which this machine reaches its package indexes, and finds what it has built before."""
NAMESPACE = "far"
PLAIN = '[[registry]]\nlocation = "{address}"\ninsecure = true\n'


@dataclass(frozen=True, kw_only=True)
class Far:
    """A stack of a gateway alone, on the cluster of the local one, known to it by its kubeconfig alone."""

    local: Local
    server: sshd.Sshd
    address: str

    @property
    def file(self) -> Path:
        return self.local.folder / f"Pulumi.{self.local.name}.yaml"

    @property
    def kubeconfig(self) -> tuple[str, str]:
        cluster = Local(
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
def far(local: Local, checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """The host is this machine, by its sshd; the registry is one that the cluster's node reaches too."""
    folder, head = tmp_path_factory.mktemp("host"), checkout.git("rev-parse", "HEAD")
    environment = {key: value for key, value in os.environ.items() if key.upper().startswith(REACHES)}
    with (
        registry.running(local.cluster) as address,
        sshd.running(folder, environment | {"CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf")}) as server,
        sshd.agent(folder, server.folder / "client") as agent,
        pytest.MonkeyPatch.context() as patch,
    ):
        (folder / "registries.conf").write_text(PLAIN.format(address=address))
        patch.setenv("SSH_AUTH_SOCK", str(agent))
        found = Far(local=replace(local, name=f"{local.name}-far"), server=server, address=address)
        found.write()
        checkout.commit()
        try:
            yield found
        finally:
            found.write()
            found.local.attempt("down", *found.kubeconfig)
            with local.core() as core, suppress(client.ApiException):
                core.delete_namespace(NAMESPACE)
            rmtree(local.state / "engines" / found.local.name, ignore_errors=True)
            checkout.git("reset", "--quiet", "--hard", head)


def test_what_the_host_has_built_is_what_the_pods_run(far: Far, local: Local, checkout: Checkout) -> None:
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
    left = {path.name for path in (far.server.folder / "builds").iterdir()}
    assert len(left) == 1  # the last source, and nothing that was unpacked


def test_another_host_is_sent_nothing_and_nothing_changes(far: Far, local: Local, checkout: Checkout) -> None:
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
