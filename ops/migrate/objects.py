"""The consumer's objects on the cluster: what a move reads of them, and the few fields that it changes."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kubernetes import client, watch

from infra import labels
from infra.annotations import MIGRATED
from ops.cluster.api_errors import NOT_FOUND
from ops.cluster.pod_exec import PodExecError, run_in_pod
from ops.cluster.pod_status import is_ready, is_terminating, waiting_reasons
from ops.migrate.errors import StepError

MANAGER: Final = "synapse-migrate"
POLL_S: Final = 0.2
ALIAS_LABELS: Final = {labels.PART_OF: labels.PLATFORM}


class Objects:
    """Everything is in *namespace*. What is not there is None."""

    def __init__(self, api: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self.core: Any = client.CoreV1Api(api)
        self._apps: Any = client.AppsV1Api(api)
        self.namespace = namespace

    # ConfigMaps

    def keys(self, config_map: str) -> dict[str, str] | None:
        found = _or_none(self.core.read_namespaced_config_map, config_map, self.namespace)
        return None if found is None else dict(found.data or {})

    def set_keys(self, config_map: str, values: Mapping[str, str | None]) -> None:
        """None takes a key away."""
        self.core.patch_namespaced_config_map(config_map, self.namespace, {"data": dict(values)}, field_manager=MANAGER)

    # The alias

    def service(self, name: str) -> Any:  # noqa: ANN401 - the client is untyped
        return _or_none(self.core.read_namespaced_service, name, self.namespace)

    def alias(self, name: str) -> str | None:
        """The host that it stands for; None for a Service of another type too."""
        found = self.service(name)
        return None if found is None else found.spec.external_name

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
        """What its pods say of the settings that they were started with."""
        found = self.deployment(deployment)
        return None if found is None else (found.spec.template.metadata.annotations or {}).get(MIGRATED)

    def set_mark(self, deployment: str, mark: str | None) -> None:
        """Its pods are replaced, one after the other, where that is another mark."""
        template = {"metadata": {"annotations": {MIGRATED: mark}}}
        self._apps.patch_namespaced_deployment(
            deployment, self.namespace, {"spec": {"template": template}}, field_manager=MANAGER
        )

    def scale(self, deployment: str, replicas: int) -> None:
        self._apps.patch_namespaced_deployment(
            deployment, self.namespace, {"spec": {"replicas": replicas}}, field_manager=MANAGER
        )

    def wait(self, deployment: str, within_s: float) -> None:
        """Until all of its pods are of its latest description, and ready. Raises StepError.

        A deadline that was missed before is no news: of a way back it says what it said of the way there.
        """
        missed: list[Any] = []
        for found in self._watched(deployment, within_s):
            if is_rolled_out(found):
                return
            missed.append(_missed_deadline(found))
            if missed[-1] and missed[-1] != missed[0]:
                raise StepError(f"Deployment {self.namespace}/{deployment} does not get ready: {missed[-1].message}")
        raise StepError(
            f"Deployment {self.namespace}/{deployment} is not ready after {within_s:g} s"
            + "".join(f"; {state}" for state in self._states(deployment))
        )

    def wait_gone(self, deployment: str, within_s: float) -> None:
        """Until it has no pod left, not even one on its way out, which would still hold its GPU. Raises StepError."""
        self._until(lambda: not self._listed(deployment), f"Deployment {deployment} has no pods left", within_s)

    def pods(self, deployment: str) -> list[Any]:
        """Those that are not on their way out."""
        return [pod for pod in self._listed(deployment) if not is_terminating(pod)]

    def ready_pod(self, deployment: str) -> Any:  # noqa: ANN401 - the client is untyped
        """One that can serve. Raises StepError."""
        for pod in self.pods(deployment):
            if is_ready(pod):
                return pod
        raise StepError(f"Deployment {self.namespace}/{deployment} has no pod that is ready")

    def run(self, deployment: str, command: tuple[str, ...], within_s: float) -> str:
        """What *command* prints in one of its pods. Raises StepError when it fails, or takes longer."""
        pod = self.ready_pod(deployment).metadata.name
        try:
            return run_in_pod(self.core, self.namespace, pod, command, within_s)
        except PodExecError as error:
            raise StepError(str(error)) from error

    # What goes with an old server

    def wait_absent(self, find: Callable[[str], object], name: str, within_s: float) -> None:
        """Until *find* finds nothing: an object may wait for what belongs to it. Raises StepError."""
        self._until(lambda: find(name) is None, f"{name} is gone", within_s)

    def delete_service(self, name: str) -> None:
        _or_none(self.core.delete_namespaced_service, name, self.namespace)

    def delete_deployment(self, name: str) -> None:
        _or_none(self._apps.delete_namespaced_deployment, name, self.namespace, propagation_policy="Foreground")

    def claim(self, name: str) -> Any:  # noqa: ANN401 - the client is untyped
        return _or_none(self.core.read_namespaced_persistent_volume_claim, name, self.namespace)

    def delete_claim(self, name: str) -> None:
        _or_none(self.core.delete_namespaced_persistent_volume_claim, name, self.namespace)

    def _until(self, is_so: Callable[[], bool], what: str, within_s: float) -> None:
        end = time.monotonic() + within_s
        while not is_so():
            if time.monotonic() > end:
                raise StepError(f"after {within_s:g} s it is not so that {what} in {self.namespace}")
            time.sleep(POLL_S)

    def _watched(self, deployment: str, within_s: float) -> Iterator[Any]:
        """Its state now and after every change; the server ends a watch when it likes."""
        end = time.monotonic() + within_s
        selected = {"field_selector": f"metadata.name={deployment}"}
        while (left := int(end - time.monotonic())) > 0:
            listed = self._apps.list_namespaced_deployment
            watched: Any = watch.Watch()  # type: ignore[no-untyped-call]
            for event in watched.stream(listed, self.namespace, **selected, timeout_seconds=left):
                yield event["object"]

    def _listed(self, deployment: str) -> list[Any]:
        selector = self._selector(deployment)
        return list(self.core.list_namespaced_pod(self.namespace, label_selector=selector).items) if selector else []

    def _selector(self, deployment: str) -> str:
        found = self.deployment(deployment)
        labels = {} if found is None else found.spec.selector.match_labels or {}
        return ",".join(f"{key}={value}" for key, value in labels.items())

    def _states(self, deployment: str) -> Iterator[str]:
        for pod in self.pods(deployment):
            yield from (f"{pod.metadata.name} waits: {reason}" for reason in waiting_reasons(pod))


def is_rolled_out(deployment: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Whether every pod is of the latest description and can serve, and no other is left."""
    wanted, status = deployment.spec.replicas, deployment.status
    seen = (status.observed_generation or 0) >= deployment.metadata.generation
    counts = {status.replicas or 0, status.updated_replicas or 0, status.available_replicas or 0}
    return seen and counts == {wanted}


def _missed_deadline(deployment: Any) -> Any:  # noqa: ANN401 - the client is untyped
    """The condition that says so, with its time; else None."""
    late = (each for each in deployment.status.conditions or [] if each.reason == "ProgressDeadlineExceeded")
    return next(late, None)


def _or_none(call: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client is untyped
    try:
        return call(*arguments, **named)
    except client.ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise
