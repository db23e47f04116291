"""The pods of a service: one that can serve, and what each said last."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kubernetes import client

from infra.labels import NAME_LABEL
from ops.cluster.connection import connected
from ops.errors import UnreachableError

LINES: Final = 20
PATIENCE_S: Final = 20
NAME: Final = NAME_LABEL
SERVICE: Final = "kubernetes.io/service-name"


class Pods:
    """What a cluster knows of the pods in *namespace*."""

    def __init__(self, core: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self.core = core
        self.namespace = namespace

    def ready(self, service: str) -> str:
        """The name of a pod of *service* that can serve. Raises UnreachableError."""
        found = self.of(service)
        for pod in found:
            if _can_serve(pod):
                return str(pod.metadata.name)
        raise UnreachableError(
            f"none of the {len(found)} pods of {service} in {self.namespace} is ready; see `make health`"
        )

    def last_lines(self, service: str) -> Mapping[str, list[str]]:
        """Pod of *service* -> how it is, and the last lines of its log."""
        return {pod.metadata.name: [*_states(pod), *self._last(pod)] for pod in self.of(service)}

    def of(self, service: str) -> list[Any]:
        """As the API has them. Raises UnreachableError."""
        return self._told(self.core.list_namespaced_pod, f"{NAME}={service}")

    def behind(self, service: str) -> frozenset[str]:
        """The names of the pods that its Service leads to. Raises UnreachableError."""
        slices = client.DiscoveryV1Api(self.core.api_client)
        listed = self._told(slices.list_namespaced_endpoint_slice, f"{SERVICE}={service}")
        ready = (each for found in listed for each in found.endpoints or [] if each.conditions.ready)
        return frozenset(each.target_ref.name for each in ready if each.target_ref)

    def _told(self, listed: Callable[..., Any], selector: str) -> list[Any]:
        try:
            answer = listed(self.namespace, label_selector=selector, _request_timeout=PATIENCE_S)
        except Exception as error:
            raise UnreachableError(f"the cluster does not tell its pods: {_short(error)}") from error
        return list(answer.items)

    def _last(self, pod: Any) -> list[str]:  # noqa: ANN401 - the client is untyped
        """Of the life before where this one has just begun: what is started again and again says why as it ends."""
        name = pod.metadata.name
        is_again = any(status.last_state.terminated for status in pod.status.container_statuses or [])
        return self._log(name) or (self._log(name, previous=True) if is_again else [])

    def _log(self, pod: str, *, previous: bool = False) -> list[str]:
        limits = {"tail_lines": LINES, "_request_timeout": PATIENCE_S}
        try:
            text = self.core.read_namespaced_pod_log(pod, self.namespace, previous=previous, **limits)
        except client.ApiException as error:
            return [f"(no log: {_short(error)})"]
        return str(text).splitlines()


@contextmanager
def pods(kubeconfig: Path, namespace: str, context: str | None = None) -> Iterator[Pods]:
    """Raises UnreachableError for a kubeconfig that cannot be read, or has no such context."""
    with connected(kubeconfig, context) as api:
        yield Pods(client.CoreV1Api(api), namespace)


def _can_serve(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Ready, and not on its way out: until it has ended, a pod that was replaced says that it is ready."""
    is_ready = any(state.type == "Ready" and state.status == "True" for state in pod.status.conditions or [])
    return is_ready and pod.metadata.deletion_timestamp is None


def _states(pod: Any) -> Iterator[str]:  # noqa: ANN401 - the client is untyped
    """What a container waits for, or how it ended last, where it does not simply run."""
    for status in pod.status.container_statuses or []:
        waiting, ended = status.state.waiting, status.last_state.terminated
        if waiting:
            yield f"({status.name} waits: {waiting.reason} {waiting.message or ''})"
        if ended:
            yield f"({status.name} ended before: {ended.reason}, exit code {ended.exit_code})"


def _short(error: Exception) -> str:
    return f"{error.status} {error.reason}" if isinstance(error, client.ApiException) else str(error).splitlines()[0]
