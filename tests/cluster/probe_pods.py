"""Probing pods: each answers on ports, and tries from where it is whatever addresses it is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client

from tests.cluster.conftest import eventually

CONTROL = 9
"""The port on which a probing pod takes orders; no policy can shut it to its own node, for a kubelet asks there too."""


@dataclass(frozen=True)
class ProbePods:
    """The probing pods of one test, made in any namespace and taken away together."""

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
        """Start one that answers on *ports*, of which *port* is the one that a Service calls `http`."""
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
        """Until all that were started are ready."""
        eventually(lambda: all(map(self._is_ready, {space for space, _ in self.made})), "probing pods are not ready")

    def address(self, namespace: str, name: str) -> str:
        found: str = self.core.read_namespaced_pod(name, namespace).status.pod_ip
        return found

    def ask(self, namespace: str, name: str, targets: Iterable[str]) -> dict[str, str]:
        """Have one try every target, such as `tcp host:port`, at once: target -> `open` or `shut`."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}:{CONTROL}/proxy/"
        order = {"body": "\n".join(targets), "header_params": {"Content-Type": "text/plain"}}
        answer = self.api.call_api(*self.api.param_serialize("POST", path, auth_settings=["BearerToken"], **order))
        lines = answer.read().decode().splitlines()
        return {target: found for found, _, target in (line.partition(" ") for line in lines)}

    def clear(self) -> None:
        """Delete them."""
        for namespace, name in self.made:
            self.core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)
        self.made.clear()

    def _is_ready(self, namespace: str) -> bool:
        ours = {name for space, name in self.made if space == namespace}
        pods = [pod for pod in self.core.list_namespaced_pod(namespace).items if pod.metadata.name in ours]
        ready = [pod for pod in pods if any(each.ready for each in pod.status.container_statuses or ())]
        return len(ready) == len(ours)
