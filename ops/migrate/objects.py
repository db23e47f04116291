"""Objects of a consumer on the cluster: the fields that a migration reads and changes."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kubernetes import client, watch

from infra.annotations import MIGRATED
from infra.labels import part_of
from ops.cluster.api_errors import NOT_FOUND
from ops.cluster.pod_exec import PodExecError, run_in_pod
from ops.cluster.pod_status import is_ready, is_terminating, waiting_reasons
from ops.migrate.errors import StepError

MANAGER: Final = "synapse-migrate"
POLL_S: Final = 0.2
ALIAS_LABELS: Final = part_of()


class Objects:
    """Objects in *namespace*; a missing one is None."""

    def __init__(self, api: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self.core: Any = client.CoreV1Api(api)
        self._apps: Any = client.AppsV1Api(api)
        self.namespace = namespace

    # ConfigMaps

    def keys(self, config_map: str) -> dict[str, str] | None:
        current = _or_none(self.core.read_namespaced_config_map, config_map, self.namespace)
        return None if current is None else dict(current.data or {})

    def set_keys(self, config_map: str, values: Mapping[str, str | None]) -> None:
        """Set keys; None deletes a key."""
        self.core.patch_namespaced_config_map(config_map, self.namespace, {"data": dict(values)}, field_manager=MANAGER)

    # The alias

    def service(self, name: str) -> Any:  # noqa: ANN401 - the client is untyped
        return _or_none(self.core.read_namespaced_service, name, self.namespace)

    def alias(self, name: str) -> str | None:
        """Return the host that it points to; None also for a Service of another type."""
        service = self.service(name)
        return None if service is None else service.spec.external_name

    def set_alias(self, name: str, host: str | None) -> None:
        if host is None:
            self.delete_service(name)
            return
        spec = {"type": "ExternalName", "externalName": host}
        if self.service(name) is None:
            body = {"metadata": {"name": name, "labels": ALIAS_LABELS}, "spec": spec}
            self.core.create_namespaced_service(self.namespace, body, field_manager=MANAGER)
        else:
            self.core.patch_namespaced_service(name, self.namespace, {"spec": spec}, field_manager=MANAGER)

    # Deployments

    def deployment(self, name: str) -> Any:  # noqa: ANN401 - the client is untyped
        return _or_none(self._apps.read_namespaced_deployment, name, self.namespace)

    def mark(self, deployment: str) -> str | None:
        """Return the annotation of its pods that names the settings they started with."""
        current = self.deployment(deployment)
        return None if current is None else (current.spec.template.metadata.annotations or {}).get(MIGRATED)

    def set_mark(self, deployment: str, mark: str | None) -> None:
        """Set the annotation, which replaces the pods one after the other if it differs."""
        template = {"metadata": {"annotations": {MIGRATED: mark}}}
        self._apps.patch_namespaced_deployment(
            deployment, self.namespace, {"spec": {"template": template}}, field_manager=MANAGER
        )

    def scale(self, deployment: str, replicas: int) -> None:
        self._apps.patch_namespaced_deployment(
            deployment, self.namespace, {"spec": {"replicas": replicas}}, field_manager=MANAGER
        )

    def wait(self, deployment: str, within_s: float) -> None:
        """Wait until all of its pods have its latest template and are ready. Raises StepError.

        A deadline that was missed before the wait does not count: at a rollback it is that of the migration.
        """
        missed: list[Any] = []
        for current in self._watch(deployment, within_s):
            if is_rolled_out(current):
                return
            missed.append(_missed_deadline(current))
            if missed[-1] and missed[-1] != missed[0]:
                raise StepError(f"Deployment {self.namespace}/{deployment} does not become ready: {missed[-1].message}")
        raise StepError(
            f"Deployment {self.namespace}/{deployment} is not ready after {within_s:g} s"
            + "".join(f"; {state}" for state in self._states(deployment))
        )

    def wait_gone(self, deployment: str, within_s: float) -> None:
        """Wait until its last pod, which may hold a GPU until then, has terminated. Raises StepError."""
        self._until(lambda: not self._list(deployment), f"the end of the pods of {deployment}", within_s)

    def pods(self, deployment: str) -> list[Any]:
        """Return the pods that are not terminating."""
        return [pod for pod in self._list(deployment) if not is_terminating(pod)]

    def ready_pod(self, deployment: str) -> Any:  # noqa: ANN401 - the client is untyped
        """Return a ready pod. Raises StepError."""
        for pod in self.pods(deployment):
            if is_ready(pod):
                return pod
        raise StepError(f"Deployment {self.namespace}/{deployment} has no pod that is ready")

    def run(self, deployment: str, command: tuple[str, ...], within_s: float) -> str:
        """Run *command* in one of its pods and return its output. Raises StepError if it fails, or takes longer."""
        pod = self.ready_pod(deployment).metadata.name
        try:
            return run_in_pod(self.core, self.namespace, pod, command, within_s)
        except PodExecError as error:
            raise StepError(str(error)) from error

    # Deletion of an old server

    def wait_absent(self, find: Callable[[str], object], name: str, within_s: float) -> None:
        """Wait until *find* returns None: an object may wait for its dependents. Raises StepError."""
        self._until(lambda: find(name) is None, f"the deletion of {name}", within_s)

    def delete_service(self, name: str) -> None:
        _or_none(self.core.delete_namespaced_service, name, self.namespace)

    def delete_deployment(self, name: str) -> None:
        _or_none(self._apps.delete_namespaced_deployment, name, self.namespace, propagation_policy="Foreground")

    def claim(self, name: str) -> Any:  # noqa: ANN401 - the client is untyped
        return _or_none(self.core.read_namespaced_persistent_volume_claim, name, self.namespace)

    def delete_claim(self, name: str) -> None:
        _or_none(self.core.delete_namespaced_persistent_volume_claim, name, self.namespace)

    def _until(self, condition: Callable[[], bool], goal: str, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise StepError(f"timeout after {within_s:g} s: {goal} in {self.namespace}")
            time.sleep(POLL_S)

    def _watch(self, deployment: str, within_s: float) -> Iterator[Any]:
        """Yield its state now and after every change; the server may end a watch at any time."""
        deadline = time.monotonic() + within_s
        selector = {"field_selector": f"metadata.name={deployment}"}
        while (left := int(deadline - time.monotonic())) > 0:
            request = self._apps.list_namespaced_deployment
            changes: Any = watch.Watch()  # type: ignore[no-untyped-call]
            for event in changes.stream(request, self.namespace, **selector, timeout_seconds=left):
                yield event["object"]

    def _list(self, deployment: str) -> list[Any]:
        selector = self._selector(deployment)
        return list(self.core.list_namespaced_pod(self.namespace, label_selector=selector).items) if selector else []

    def _selector(self, deployment: str) -> str:
        current = self.deployment(deployment)
        labels = {} if current is None else current.spec.selector.match_labels or {}
        return ",".join(f"{key}={value}" for key, value in labels.items())

    def _states(self, deployment: str) -> Iterator[str]:
        for pod in self.pods(deployment):
            yield from (f"{pod.metadata.name} waits: {reason}" for reason in waiting_reasons(pod))


def is_rolled_out(deployment: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """True if all of its pods have the latest template and are available."""
    replicas, status = deployment.spec.replicas, deployment.status
    is_current = (status.observed_generation or 0) >= deployment.metadata.generation
    counts = {status.replicas or 0, status.updated_replicas or 0, status.available_replicas or 0}
    return is_current and counts == {replicas}


def _missed_deadline(deployment: Any) -> Any:  # noqa: ANN401 - the client is untyped
    """Return the condition of a missed deadline, with its time; else None."""
    late = (each for each in deployment.status.conditions or [] if each.reason == "ProgressDeadlineExceeded")
    return next(late, None)


def _or_none(call: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client is untyped
    try:
        return call(*arguments, **named)
    except client.ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise
