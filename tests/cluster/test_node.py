"""A real node: pods run, resolve names, keep volumes, and are held to policies from their start."""

import itertools
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.cluster.conftest import MIB, SIZE, Space, eventually
from tests.cluster.registry import inside
from tests.cluster.slow_firewall import slow_firewall
from tools.cluster import Cluster, Forward
from tools.cluster.images import archive, of_one
from tools.cluster.record import load

DENY: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_node_offers_the_requested_size(cluster: Cluster, api: Any) -> None:
    assert cluster.status().is_healthy
    core: Any = client.CoreV1Api(api)
    (node,) = core.list_node().items
    assert node.status.allocatable["memory"] == f"{SIZE.memory // MIB}Mi"
    assert node.status.allocatable["cpu"] == f"{SIZE.cpu}m"


def test_a_second_up_changes_nothing(cluster: Cluster) -> None:
    before = cluster.status(), (cluster.folder / "cluster.json").read_bytes()
    cluster.up()
    assert (cluster.status(), (cluster.folder / "cluster.json").read_bytes()) == before


def test_credentials_are_readable_by_the_owner_only(cluster: Cluster) -> None:
    assert cluster.folder.stat().st_mode & 0o777 == 0o700
    secrets = [*cluster.folder.glob("*.key"), *cluster.folder.glob("*kubeconfig"), cluster.folder / "tokens.csv"]
    assert len(secrets) > 8
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}


def test_pods_reach_a_service_by_its_name(space: Space) -> None:
    space.serve("server", "hello")
    again = itertools.count()
    name = f"server.{space.name}.svc.cluster.local"
    eventually(lambda: space.fetch(f"client-{next(again)}", name) == "hello", "the service does not respond")
    assert space.fetch("neighbour", "server") == "hello"
    assert "10.43.0.1" in space.output("resolver", "nslookup kubernetes.default.svc.cluster.local")


def test_a_name_outside_is_refused_at_once(space: Space) -> None:
    """Pods have no route to the internet; they must not wait for a timeout."""
    script = "nc -w 30 192.0.2.1 80 </dev/null || echo refused; nslookup example.org || echo unknown"
    printed = space.output("client", script)
    assert "refused" in printed
    assert "unknown" in printed
    assert "timed out" not in printed


def test_the_host_reaches_a_service(cluster: Cluster, space: Space) -> None:
    space.serve("server", "hello")
    before = cluster.status()
    cluster.up([Forward("server", f"server.{space.name}.svc.cluster.local", 80)])
    address = cluster.address("server")
    eventually(lambda: _response(address) == b"hello\n", "the host does not reach it")
    cluster.up()
    assert cluster.address("server") == address
    assert cluster.address("api") == before.addresses["api"]
    assert before.components.items() < cluster.status().components.items()  # nothing was restarted for it


def _response(address: str) -> bytes | None:
    """Return the response, or None until the node knows the Service's endpoints."""
    with suppress(OSError), urllib.request.urlopen(f"http://{address}", timeout=10) as response:
        content: bytes = response.read()
        return content
    return None


def test_a_volume_outlives_its_pod(cluster: Cluster, space: Space) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    space.core.create_namespaced_persistent_volume_claim(space.name, claim)
    spec = {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "mounts": [{"name": "data", "mountPath": "/data"}],
    }
    space.output("writer", "echo kept > /data/file", **spec)
    assert space.output("reader", "cat /data/file", **spec) == "kept\n"
    volume = space.core.read_namespaced_persistent_volume_claim("data", space.name).spec.volume_name
    (folder,) = (cluster.folder / "volumes").glob(f"{volume}*")
    for name in ("writer", "reader"):
        space.core.delete_namespaced_pod(name, space.name)
    space.core.delete_namespaced_persistent_volume_claim("data", space.name)
    eventually(lambda: not folder.exists(), "the volume's folder was not removed")


def test_a_policy_blocks_until_it_is_deleted(api: Any, space: Space) -> None:
    networking: Any = client.NetworkingV1Api(api)
    address = space.serve("server", "hello")
    assert space.fetch("before", address, 8080) == "hello"
    networking.create_namespaced_network_policy(space.name, {"metadata": {"name": "deny"}, "spec": DENY})
    _in_force(space, address)
    networking.delete_namespaced_network_policy("deny", space.name)
    gone = itertools.count()
    eventually(lambda: space.fetch(f"after-{next(gone)}", address, 8080) == "hello", "the policy stays")


def _in_force(space: Space, address: str) -> None:
    """Wait until a policy holds on the node."""
    number = itertools.count()
    eventually(lambda: space.fetch(f"during-{next(number)}", address, 8080) == "blocked", "the policy does not hold")


def test_a_policy_holds_from_the_first_packet(cluster: Cluster, api: Any, space: Space) -> None:
    """No policy selects the target, so only the new pod's own rules can block it; the policy exists before the pod.

    The pods start while kube-router makes rules: the address of a pod may come after it has read those of a policy.
    """
    other = Space(f"{space.name}-open", space.api, space.shell)
    other.core.create_namespace({"metadata": {"name": other.name}})
    eventually(other.has_account, "no service account")
    address = other.serve("server", "hello")
    networking: Any = client.NetworkingV1Api(api)
    networking.create_namespaced_network_policy(space.name, {"metadata": {"name": "deny"}, "spec": DENY})
    _in_force(space, address)
    try_once = f"(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 1 {address} 8080 && echo through) 2>/dev/null"
    attempt = f"for i in $(seq 4); do for j in $(seq 50); do {try_once} & done; wait; done; echo tried"
    names = [f"first-{number}" for number in range(4)]
    with slow_firewall(_process(cluster, "kube-router")):
        for name in names:
            space.run(name, attempt)
            eventually(lambda name=name: space.address(name), f"{name} has no address")  # type: ignore[misc]
        for name in names:
            eventually(lambda name=name: space.phase(name) == "Succeeded", f"{name} does not end")  # type: ignore[misc]
            assert space.core.read_namespaced_pod_log(name, space.name) == "tried\n"
    other.core.delete_namespace(other.name)


def test_a_starting_pod_keeps_its_address(space: Space) -> None:
    """A kubelet would remove the address, and with it the rules, until it has seen the pod's sandbox."""
    space.run("starting", "true", schedulerName="nobody")
    set_to = space.core.patch_namespaced_pod_status
    set_to("starting", space.name, {"status": {"podIP": "192.0.2.7", "podIPs": [{"ip": "192.0.2.7"}]}})
    with pytest.raises(ApiException, match="the address of a starting pod must stay"):
        set_to("starting", space.name, {"status": {"podIP": None, "podIPs": None}})
    set_to("starting", space.name, {"status": {"phase": "Failed", "podIP": None, "podIPs": None}})
    assert space.core.read_namespaced_pod("starting", space.name).status.pod_ip is None


@pytest.mark.parametrize("component", ["kubelet", "containerd"])
def test_a_killed_component_restarts_and_pods_keep_running(cluster: Cluster, space: Space, component: str) -> None:
    """A starting kubelet reports its node as not ready, and its pods leave their Services for that time."""
    space.serve("server", "hello")
    before = _container(space)
    starts = cluster.status().components[component]["starts"]
    node = load(cluster.folder)
    _process(cluster, component).kill()
    cluster.up()  # waits for it; nothing else is restarted
    assert load(cluster.folder) == node
    eventually(lambda: cluster.status().components[component]["starts"] > starts, f"{component} stays away")
    eventually(lambda: cluster.status().is_healthy, "the cluster does not recover")
    again = itertools.count()
    eventually(lambda: space.fetch(f"client-{next(again)}", "server") == "hello", "the service stays away")
    assert _container(space) == before


def _container(space: Space) -> tuple[str, int]:
    """Return the server's container id and number of restarts."""
    (status,) = space.core.read_namespaced_pod("server", space.name).status.container_statuses
    return status.container_id, status.restart_count


def _process(cluster: Cluster, name: str) -> psutil.Process:
    return inside(cluster, lambda process: Path(process.exe()).name == name)


def test_it_knows_the_images_of_the_node(cluster: Cluster) -> None:
    (reference,) = cluster.import_image(archive(of_one("pause")))
    assert cluster.has_image(reference)
    assert not cluster.has_image(f"{reference[:-4]}0000")
