"""The gateway as a process, behind a real Traefik that reads the rendered objects from a twin."""

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import yaml

from infra.plan.stack import plan
from infra.settings.loader import load
from ops.cluster.target import simulated_node
from stacks.rendering import manifests
from tests.conftest import changed, settings_of
from tests.ingress.backend import StubBackend, backend
from tests.ingress.traefik import Traefik, WatchedCluster, limits_of, traefik
from tools.control_plane.api import AdminClient
from tools.control_plane.credentials import CertificateIdentity, Credentials
from tools.twin import Twin
from tools.twin.credentials import credentials
from tools.twin.record import load as record_of

SECTIONS: dict[str, dict[str, Any]] = {
    "open": {"helmChartConfig": True},
    "paced": {"rateLimit": {"average": 1, "burst": 3}},
    "narrow": {"inFlight": 2},
}
"""Namespace -> keys of its `synapse:ingress` besides host and certificate."""
PLURALS = {"Ingress": "ingresses", "Middleware": "middlewares", "HelmChartConfig": "helmchartconfigs"}
CERTIFICATE = "llm-tls-cert"
GATEWAY = "synapse-gateway"
TOKEN = 40 * "a"
START_S = 300.0


def host(namespace: str) -> str:
    return f"{namespace}.example.org"


@pytest.fixture(scope="module")
def model() -> Iterator[StubBackend]:
    with backend() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(model: StubBackend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the gateway on an address of loopback; the port is fixed by the Ingress, so each run has its own address."""
    folder = tmp_path_factory.mktemp("gateway")
    address = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    config = {
        "backends": {
            "stub": {"url": model.url, "type": "openai"},
            "whisper": {"url": model.url, "type": "whisper"},
        },
        "routes": [{"model": "stub", "targets": [{"backend": "stub"}]}],
    }
    (folder / "backends.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "synapse_gateway", "--config", str(folder / "backends.yaml")]
    process = subprocess.Popen(
        [*command, "--host", address, "--port", "8000"],
        env={
            **os.environ,
            "SYNAPSE_VOICE_LIBRARY_DIR": str(folder / "voices"),
            "SYNAPSE_DASHBOARD_ACCESS_TOKEN": TOKEN,
        },
    )
    try:
        _until_alive(f"http://{address}:8000/livez")
        yield address
    finally:
        process.kill()  # SIGTERM would wait for the uploads that the tests cut off
        process.wait()


def _until_alive(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not respond")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    hosts = tuple(map(host, SECTIONS))
    made = Credentials(
        tmp_path_factory.mktemp("tls"), users={}, identities={"tls": CertificateIdentity("gateway", hosts)}
    )
    made.ensure()
    return made


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminClient]:
    twin = Twin("ingress", tmp_path_factory.mktemp("state"), owner_pid=os.getpid())
    try:
        twin.up(simulated_node(load("forge")))
        record = record_of(twin.folder)
        assert record
        yield AdminClient(credentials(twin.folder), record.port)
    finally:
        twin.down()


@pytest.fixture(scope="module")
def cluster(api: AdminClient, gateway: str, certificates: Credentials) -> WatchedCluster:
    """Apply the rendered Ingress of each section and the objects that it refers to."""
    controller = {"controller": "traefik.io/ingress-controller"}
    _apply(api, "networking.k8s.io/v1", "ingressclasses", "traefik", None, {"kind": "IngressClass", "spec": controller})
    for namespace, section in SECTIONS.items():
        _apply(api, "v1", "namespaces", namespace, None, {"kind": "Namespace"})
        _apply(api, "v1", "services", GATEWAY, namespace, _service(gateway))
        _apply(api, "v1", "secrets", CERTIFICATE, namespace, _secret(certificates))
        for manifest in _rendered(namespace, section):
            metadata = manifest["metadata"]
            kind = PLURALS[manifest["kind"]]
            _apply(api, manifest["apiVersion"], kind, metadata["name"], metadata["namespace"], manifest)
    return WatchedCluster(credentials=api.credentials, port=api.port)


def _rendered(namespace: str, section: dict[str, Any]) -> list[dict[str, Any]]:
    config = changed("ingress", {"host": host(namespace), "tlsSecret": CERTIFICATE, **section})
    objects = manifests(plan(settings_of({**config, "synapse:namespace": namespace})))
    return [item for item in objects if item["kind"] in PLURALS]


def _service(address: str) -> dict[str, Any]:
    """Return a Service that is a name of loopback, which Endpoints may not have."""
    return {"kind": "Service", "spec": {"type": "ExternalName", "externalName": address, "ports": [{"port": 8000}]}}


def _secret(made: Credentials) -> dict[str, Any]:
    files = {"tls.crt": made.certificate().read_text(), "tls.key": made.key().read_text()}
    return {"kind": "Secret", "type": "kubernetes.io/tls", "stringData": files}


def _apply(
    api: AdminClient, version: str, kind: str, name: str, namespace: str | None, content: dict[str, Any]
) -> None:
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    metadata = {"name": name, **content.get("metadata", {})}
    api.apply(f"{root}{inside}/{kind}/{name}", {**content, "apiVersion": version, "metadata": metadata})


Serve = Callable[[dict[str, str]], Traefik]


@pytest.fixture(scope="module")
def serve(
    cluster: WatchedCluster, certificates: Credentials, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serve]:
    """Return a function that runs a Traefik with these limits and waits for every host."""
    trust = ssl.create_default_context(cafile=str(certificates.authority))
    with ExitStack() as running:

        def start(limits: dict[str, str]) -> Traefik:
            log = tmp_path_factory.mktemp("traefik") / "log"
            started = running.enter_context(traefik(cluster, limits, trust, log))
            for namespace in SECTIONS:
                started.wait_for(host(namespace))
            return started

        yield start


@pytest.fixture(scope="module")
def chart_limits(api: AdminClient, cluster: WatchedCluster) -> dict[str, str]:
    """Return the limits of the applied HelmChartConfig."""
    config = api.get("/apis/helm.cattle.io/v1/namespaces/kube-system/helmchartconfigs/traefik")
    assert config
    return limits_of(config)


@pytest.fixture(scope="module")
def ours(serve: Serve, chart_limits: dict[str, str]) -> Traefik:
    """Run a Traefik with the limits of the HelmChartConfig."""
    return serve(chart_limits)
