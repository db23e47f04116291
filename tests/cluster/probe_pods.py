"""Probe pods: each listens on ports, and tries the addresses that it is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client

from tests.cluster.conftest import eventually

CONTROL = 9
"""Port on which a probe pod takes requests; no policy can block a pod's own node."""


@dataclass(frozen=True)
class ProbePods:
    """Probe pods of one test, in any namespace, deleted together."""

    api: Any
    image: str
    made: list[tuple[str, str]] = field(default_factory=list)  # namespace and name

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.api)

    def run(
        self,
        namespace: str,
        name: str,
        ports: Iterable[int],
        labels: Mapping[str, str] | None = None,
        port: int = CONTROL,
        **spec: Any,
    ) -> None:
        """Start a pod that listens on *ports*; *port* is the one with the name `http`."""
        container = {
            "name": "probe",
            "image": self.image,
            "args": [str(CONTROL), *map(str, sorted(ports))],
            "ports": [{"name": "http", "containerPort": port}],
            "readinessProbe": {"tcpSocket": {"port": CONTROL}, "periodSeconds": 1},
        }
        pod = {"containers": [container], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
        metadata = {"name": name, "labels": dict(labels or {})}
        self.core.create_namespaced_pod(namespace, {"metadata": metadata, "spec": pod | spec})
        self.made.append((namespace, name))

    def wait(self) -> None:
        """Wait until all pods are ready."""
        eventually(lambda: all(map(self._is_ready, {space for space, _ in self.made})), "probe pods are not ready")

    def address(self, namespace: str, name: str) -> str:
        ip: str = self.core.read_namespaced_pod(name, namespace).status.pod_ip
        return ip

    def connect(self, namespace: str, name: str, targets: Iterable[str]) -> dict[str, str]:
        """Let a pod try all targets, such as `tcp host:port`, at once; return target -> `open` or `shut`."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}:{CONTROL}/proxy/"
        options = {"body": "\n".join(targets), "header_params": {"Content-Type": "text/plain"}}
        response = self.api.call_api(*self.api.param_serialize("POST", path, auth_settings=["BearerToken"], **options))
        lines = response.read().decode().splitlines()
        return {target: state for state, _, target in (line.partition(" ") for line in lines)}

    def clear(self) -> None:
        """Delete all pods."""
        for namespace, name in self.made:
            self.core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)
        self.made.clear()

    def _is_ready(self, namespace: str) -> bool:
        ours = {name for space, name in self.made if space == namespace}
        pods = [pod for pod in self.core.list_namespaced_pod(namespace).items if pod.metadata.name in ours]
        ready = [pod for pod in pods if any(each.ready for each in pod.status.container_statuses or ())]
        return len(ready) == len(ours)
