"""The node of a stack: this machine, another one, or a simulated one."""

import json
import socket
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.tools.images import fake_docker
from tools.errors import ImageError
from tools.images import k3s, node, publish
from tools.images.build import Images
from tools.images.node import Place, place_of

OWN = "0123456789abcdef"
INFO = dict.fromkeys(
    (
        *("architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "kubeletVersion"),
        *("machineID", "operatingSystem", "osImage", "systemUUID"),
    ),
    OWN,
)
NODES = {"kind": "NodeList", "apiVersion": "v1", "metadata": {}} | {
    "items": [{"metadata": {"name": "other"}, "status": {"nodeInfo": INFO}}]
}


def node_of(
    machine_id: str = OWN, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(labels=labels, annotations=annotations),
        status=SimpleNamespace(
            addresses=[SimpleNamespace(address="10.1.2.3")], node_info=SimpleNamespace(machine_id=machine_id)
        ),
    )


@pytest.fixture(autouse=True)
def machine_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "machine-id"
    file.write_text(f"{OWN}\n")
    monkeypatch.setattr(node, "MACHINE_ID", file)
    return file


@pytest.mark.parametrize(
    ("seen", "place"),
    [
        (node_of(), Place.HERE),
        (node_of("another"), Place.ELSEWHERE),
        (node_of("another", {"kubernetes.io/hostname": socket.gethostname().lower()}), Place.ELSEWHERE),
        (node_of("", {"kubernetes.io/hostname": socket.gethostname().lower()}), Place.HERE),
        (node_of("", {"kubernetes.io/hostname": "forge-of-another"}), Place.ELSEWHERE),
        (node_of("", None), Place.ELSEWHERE),
        (node_of(annotations={"kwok.x-k8s.io/node": "fake"}), Place.SIMULATED),
    ],
)
def test_the_machine_id_decides_and_else_the_host_name(seen: Any, place: Place) -> None:
    assert place_of(seen) is place


def test_without_an_own_machine_id_the_host_name_decides(machine_id: Path) -> None:
    machine_id.unlink()
    assert place_of(node_of(OWN, {"kubernetes.io/hostname": "other"})) is Place.ELSEWHERE


def test_a_node_elsewhere_is_refused_with_the_ways_to_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "read", lambda *_: node_of("another"))
    with pytest.raises(ImageError) as refused:
        node.ensure_here("forge", None)
    assert str(refused.value) == (
        f"node forge (10.1.2.3) is not this machine ({socket.gethostname()}), so that no image can be imported into "
        f"it; {node.REMEDY}"
    )


def test_a_kubeconfig_without_the_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="node forge: the cluster of the kubeconfig does not answer: "):
        node.read("forge", None, tmp_path / "missing")


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    """Serve an API with one node, `other`, which is this machine; yield its kubeconfig."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(NODES if self.path == "/api/v1/nodes" else {"message": "no"}).encode()
            self.send_response(200 if self.path == "/api/v1/nodes" else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        file = tmp_path / "kubeconfig"
        address = f"http://127.0.0.1:{server.server_port}"
        contexts = [
            {"name": "mine", "context": {"cluster": "one", "user": "me"}},
            {"name": "denied", "context": {"cluster": "denied", "user": "me"}},
        ]
        clusters = [
            {"name": "one", "cluster": {"server": address}},
            {"name": "denied", "cluster": {"server": f"{address}/denied"}},
        ]
        users = [{"name": "me", "user": {}}]
        file.write_text(
            yaml.safe_dump({"current-context": "mine", "contexts": contexts, "clusters": clusters, "users": users})
        )
        try:
            yield file
        finally:
            server.shutdown()
            thread.join()


def test_a_node_is_read_from_the_cluster(kubeconfig: Path) -> None:
    assert node.ensure_here("other", None, kubeconfig)
    assert node.ensure_here("other", "mine", kubeconfig)


def test_a_name_that_no_node_has_is_refused_with_the_nodes(kubeconfig: Path) -> None:
    with pytest.raises(
        ImageError, match=r"^synapse:node\.name: got 'forge'; accepted: other, the nodes of the cluster in"
    ):
        node.ensure_here("forge", None, kubeconfig)


def test_a_refusal_of_the_cluster_has_its_status(kubeconfig: Path) -> None:
    with pytest.raises(ImageError, match="node other: the cluster answers 403 Forbidden to a list of nodes"):
        node.ensure_here("other", "denied", kubeconfig)


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Images:
    base = f"registry.example/python:3@sha256:{64 * 'c'}"
    fake_docker.install(tmp_path / "bin", base=base)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "thing_image").mkdir()
    (tmp_path / "thing_image/Dockerfile").write_text(f"ARG BASE={base}\nFROM ${{BASE}}\n")
    return Images(tmp_path / "cache")


def test_nothing_is_built_for_a_simulated_node(images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "read", lambda *_: node_of(annotations={"kwok.x-k8s.io/node": "fake"}))
    first = publish.to_node(images, tmp_path / "thing_image", "forge")
    assert first.startswith("localhost/synapse-thing:")
    assert images.kept() == []
    (tmp_path / "thing_image/more").write_text("x")
    assert publish.to_node(images, tmp_path / "thing_image", "forge") != first


def test_nothing_is_built_where_the_image_store_is_missing(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "read", lambda *_: node_of())
    monkeypatch.setattr(k3s, "FOLDERS", "")
    with pytest.raises(ImageError, match="has no program k3s"):
        publish.to_node(images, tmp_path / "thing_image", "forge")
    assert images.kept() == []
