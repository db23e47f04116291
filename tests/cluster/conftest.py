"""One real cluster for all tests of pods, and a namespace for each test."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from tools.cluster import Cluster, Size, privileges
from tools.cluster.images import SHELL, system_images
from tools.cluster.packages import programs
from tools.errors import ClusterError

MIB = 1 << 20
SIZE = Size(memory=3000 * MIB, cpu=1500)
DEADLINE_S = 300.0
POLL_S = 0.2
NAMES = count()
DEFAULT_TEMP = Path(tempfile.gettempdir())
"""Temporary folder of the machine, before the tests set their own."""
Pod = dict[str, Any]


def eventually(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until `condition` holds; fail with *what* at the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(POLL_S)


@pytest.fixture(scope="session")
def state() -> Path:
    """Return the same folder in every run, so that leftovers of a killed run are swept."""
    try:
        privileges.check()
    except ClusterError as error:
        pytest.skip(str(error))
    folder = DEFAULT_TEMP / f"synapse-clusters-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    Cluster.sweep(folder)
    return folder


@pytest.fixture(scope="session")
def cluster(state: Path) -> Iterator[Cluster]:
    cluster = Cluster(f"test-{os.getpid()}", state, owner_pid=os.getpid())
    try:
        cluster.up(size=SIZE)
        yield cluster
    finally:
        cluster.delete()


@pytest.fixture(scope="session")
def shell() -> str:
    """Return the reference of an image with a shell, which every cluster has."""
    return system_images(programs())[SHELL].reference


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[Any]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as api:  # type: ignore[no-untyped-call]
        yield api


@dataclass(frozen=True)
class Space:
    """A test's namespace, and the pods and services of tests in it."""

    name: str
    api: Any
    shell: str

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.api)

    def run(self, name: str, script: str, **spec: Any) -> None:
        """Start a pod that runs a script once; `spec` overrides the pod's defaults."""
        volumes = spec.pop("mounts", [])
        container = {"name": "it", "image": self.shell, "command": ["/bin/sh", "-c", script], "volumeMounts": volumes}
        pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container], **spec}
        self.core.create_namespaced_pod(self.name, {"metadata": {"name": name, "labels": {"app": name}}, "spec": pod})

    def serve(self, name: str, text: str) -> str:
        """Start a pod that serves a text on port 8080, and its Service; return the pod's address."""
        self.run(name, f"echo {text} >/tmp/index.html; exec httpd -f -p 8080 -h /tmp")
        spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
        self.core.create_namespaced_service(self.name, {"metadata": {"name": name}, "spec": spec})
        eventually(lambda: self.phase(name) == "Running", f"{name} does not run")
        return self.address(name) or ""

    def fetch(self, client: str, host: str, port: int = 80) -> str:
        """Start a pod that requests the host; return its response, or `blocked`."""
        get = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {host} {port} || echo blocked"
        return self.output(client, get).splitlines()[-1]

    def phase(self, name: str) -> str:
        phase: str = self.core.read_namespaced_pod(name, self.name).status.phase
        return phase

    def address(self, name: str) -> str | None:
        address: str | None = self.core.read_namespaced_pod(name, self.name).status.pod_ip
        return address

    def output(self, name: str, script: str, **spec: Any) -> str:
        """Run a pod to its end; return its output."""
        self.run(name, script, **spec)
        eventually(lambda: self.phase(name) in {"Succeeded", "Failed"}, f"{name} does not end")
        printed: str = self.core.read_namespaced_pod_log(name, self.name)
        return printed

    def has_account(self) -> bool:
        """Return whether the namespace has its service account, without which no pod can be created."""
        try:
            self.core.read_namespaced_service_account("default", self.name)
        except ApiException:
            return False
        return True


@pytest.fixture
def space(api: Any, shell: str) -> Iterator[Space]:
    space = Space(f"test-{next(NAMES)}", api, shell)
    space.core.create_namespace({"metadata": {"name": space.name}})
    eventually(space.has_account, "no service account")
    yield space
    space.core.delete_namespace(space.name)
