"""Pods of a service: the ready ones, those behind its Service, and the last log lines of each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kubernetes import client

from infra.labels import SERVICE_NAME_LABEL, STACK_SELECTOR, service_selector
from ops.cluster.api_errors import API_ERRORS, error_text
from ops.cluster.connection import connect
from ops.cluster.pod_status import is_ready
from ops.errors import UnreachableError

LAST_LINES: Final = 20
REQUEST_TIMEOUT_S: Final = 20


class ServicePods:
    """Pods in *namespace*; *core* is the client of the core API."""

    def __init__(self, core: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self.core = core
        self.namespace = namespace

    def ready_pod(self, service: str) -> str:
        """Return the name of a ready pod of *service*. Raises UnreachableError."""
        pods = self.list_pods(service)
        for pod in pods:
            if is_ready(pod):
                return str(pod.metadata.name)
        raise UnreachableError(
            f"none of the {len(pods)} pods of {service} in {self.namespace} is ready; see `synapse health`"
        )

    def last_lines(self, service: str) -> Mapping[str, list[str]]:
        """Return, for each pod of *service*, the states of its containers and its last log lines."""
        return {pod.metadata.name: [*_container_states(pod), *self._last_log(pod)] for pod in self.list_pods(service)}

    def list_pods(self, service: str) -> list[Any]:
        """Return the pods of *service* as the API has them. Raises UnreachableError."""
        return self._list(self.core.list_namespaced_pod, service_selector(service))

    def list_stack_pods(self) -> list[Any]:
        """Return the pods of every service of the stack. Raises UnreachableError."""
        return self._list(self.core.list_namespaced_pod, STACK_SELECTOR)

    def endpoint_pods(self, service: str) -> frozenset[str]:
        """Return the names of the ready pods that the Service sends requests to. Raises UnreachableError."""
        discovery = client.DiscoveryV1Api(self.core.api_client)
        slices = self._list(discovery.list_namespaced_endpoint_slice, f"{SERVICE_NAME_LABEL}={service}")
        ready = (endpoint for each in slices for endpoint in each.endpoints or [] if endpoint.conditions.ready)
        return frozenset(endpoint.target_ref.name for endpoint in ready if endpoint.target_ref)

    def _list(self, call: Callable[..., Any], selector: str) -> list[Any]:
        try:
            response = call(self.namespace, label_selector=selector, _request_timeout=REQUEST_TIMEOUT_S)
        except API_ERRORS as error:
            raise UnreachableError(f"the pods of {self.namespace} cannot be listed: {error_text(error)}") from error
        return list(response.items)

    def _last_log(self, pod: Any) -> list[str]:  # noqa: ANN401 - the client is untyped
        """Return the log of the previous container instance where the present one has written nothing yet."""
        name = pod.metadata.name
        has_restarted = any(status.last_state.terminated for status in pod.status.container_statuses or [])
        return self._log(name) or (self._log(name, previous=True) if has_restarted else [])

    def _log(self, pod: str, *, previous: bool = False) -> list[str]:
        limits = {"tail_lines": LAST_LINES, "_request_timeout": REQUEST_TIMEOUT_S}
        try:
            text = self.core.read_namespaced_pod_log(pod, self.namespace, previous=previous, **limits)
        except client.ApiException as error:
            return [f"(no log: {error_text(error)})"]
        return str(text).splitlines()


@contextmanager
def connect_pods(kubeconfig: Path, namespace: str, context: str | None = None) -> Iterator[ServicePods]:
    """Yield the pods of *namespace*. Raises UnreachableError for an unreadable kubeconfig or a missing context."""
    with connect(kubeconfig, context) as api:
        yield ServicePods(client.CoreV1Api(api), namespace)


def _container_states(pod: Any) -> Iterator[str]:  # noqa: ANN401 - the client is untyped
    """Yield the reason for which a container waits, and how its previous instance ended."""
    for status in pod.status.container_statuses or []:
        waiting, ended = status.state.waiting, status.last_state.terminated
        if waiting:
            yield f"({status.name} waits: {waiting.reason} {waiting.message or ''})"
        if ended:
            yield f"({status.name} ended before: {ended.reason}, exit code {ended.exit_code})"
