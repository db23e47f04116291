"""A pod beside a service's own that works on its claim: the disk is in the cluster, and so is what uses it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from kubernetes import watch

from infra.catalog.spec import Disk
from infra.labels import NAME, service_selector
from infra.plan.egress_rules import WORKER
from ops.cluster.api_errors import API_ERRORS, translate_errors
from ops.cluster.logs import CHUNK, split_lines
from ops.cluster.pod_status import fatal_waiting, is_ready, waiting_reasons
from ops.cluster.pods import REQUEST_TIMEOUT_S
from ops.models import worker_bundle
from ops.models.inventory import ModelError

PYTHON: Final = (
    "docker.io/library/python:3.13-slim-bookworm@"
    "sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb"
)
"""The base of the gateway's image, where no gateway runs that has it on the node already."""
START_S: Final = 180
"""That the node may take to have the image and begin."""
LONGEST_S: Final = 24 * 3600
MOST_SAID: Final = 10
TAKES: Final = {"memory": "256Mi", "cpu": "1", "ephemeral-storage": "64Mi"}
Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done: *module* gets *order*, beside *disk*, as *user*. *token*: the Secret and the key that it is in."""

    module: str
    order: str
    disk: Disk
    user: int
    image: str = PYTHON
    token: tuple[str, str] | None = None


class Worker:
    """Carries work out in *namespace*; *core* is the cluster's own client. It raises ModelError."""

    def __init__(self, core: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self._core = core
        self._namespace = namespace

    def run(self, work: Work) -> Iterator[Event]:
        """What the program tells, as it comes; the pod is gone in the end. A `fault` that it tells is raised."""
        with translate_errors(ModelError):
            self._sweep()
            name = self._core.create_namespaced_pod(self._namespace, manifest(work)).metadata.name
        try:
            with translate_errors(ModelError):
                self._await(name, _has_begun, START_S)
                said: list[str] = []
                for line in self._lines(name):
                    if (event := _event(line)) is None:
                        said.append(line)
                    elif "fault" in event and "model" not in event:
                        raise ModelError(str(event["fault"]))
                    else:
                        yield event
                _check(self._await(name, _has_ended, REQUEST_TIMEOUT_S), said)
        finally:
            with suppress(*API_ERRORS):
                self._core.delete_namespaced_pod(name, self._namespace, grace_period_seconds=0)

    def image(self, gateway: str | None) -> str:
        """An image with Python: that of a pod of *gateway* which is ready, so that nothing is pulled, or PYTHON."""
        if gateway is None:
            return PYTHON
        with translate_errors(ModelError):
            pods = self._core.list_namespaced_pod(
                self._namespace, label_selector=service_selector(gateway), _request_timeout=REQUEST_TIMEOUT_S
            ).items
        ready = [pod for pod in pods if is_ready(pod)]
        return str(ready[0].spec.containers[0].image) if ready else PYTHON

    def _lines(self, name: str) -> Iterator[str]:
        answer = self._core.read_namespaced_pod_log(name, self._namespace, follow=True, _preload_content=False)
        try:
            yield from split_lines(answer.stream(CHUNK))
        finally:
            answer.close()

    def _await(self, name: str, is_so: Callable[[Any], bool], most_s: int) -> Any:  # noqa: ANN401 - the client is untyped
        """The pod, once *is_so*."""
        events = watch.Watch().stream(  # type: ignore[no-untyped-call]
            self._core.list_namespaced_pod,
            self._namespace,
            field_selector=f"metadata.name={name}",
            timeout_seconds=most_s,
        )
        pod = None
        for event in events:
            pod = event["object"]
            if is_so(pod):
                return pod
        raise ModelError(f"pod {name} of {self._namespace} has not come so far in {most_s} s: {_state(pod)}")

    def _sweep(self) -> None:
        """Pods that have ended, and whose command was killed before it could take them away."""
        for phase in ("Succeeded", "Failed"):
            self._core.delete_collection_namespaced_pod(
                self._namespace, label_selector=service_selector(WORKER), field_selector=f"status.phase={phase}"
            )


def manifest(work: Work) -> dict[str, Any]:
    """The pod: hardened as every other, and without a name of its own."""
    variables = [{"name": name, "value": value} for name, value in worker_bundle.environment(work.order).items()]
    if work.token:
        secret, key = work.token
        variables.append({"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})  # type: ignore[dict-item]
    mounts = [{"name": "disk", "mountPath": work.disk.mount}, {"name": "scratch", "mountPath": worker_bundle.FOLDER}]
    container = {
        "name": "worker",
        "image": work.image,
        "imagePullPolicy": "IfNotPresent",
        "command": worker_bundle.command(work.module),
        "env": variables,
        "resources": {"limits": TAKES, "requests": {**TAKES, "cpu": "100m"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": f"{WORKER}-", "labels": {NAME: WORKER}},
        "spec": {"containers": [container], **_around(work)},
    }


def _around(work: Work) -> Mapping[str, Any]:
    return {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LONGEST_S,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": work.user,
            "runAsGroup": work.user,
            "fsGroup": work.user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [
            {"name": "disk", "persistentVolumeClaim": {"claimName": work.disk.name}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "16Mi"}},
        ],
    }


def _has_begun(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Raises ModelError for one that never will."""
    for status in pod.status.container_statuses or []:
        if reason := fatal_waiting(status):
            raise ModelError(f"pod {pod.metadata.name} cannot begin: {reason}")
        if status.state.running or status.state.terminated:
            return True
    return False


def _has_ended(pod: Any) -> bool:  # noqa: ANN401
    return any(status.state.terminated for status in pod.status.container_statuses or [])


def _check(pod: Any, said: Sequence[str]) -> None:  # noqa: ANN401
    ended = pod.status.container_statuses[0].state.terminated
    if ended.exit_code:
        last = "\n  ".join([f"{ended.reason}, exit code {ended.exit_code}", *said[-MOST_SAID:]])
        raise ModelError(f"pod {pod.metadata.name} has failed: {last}")


def _state(pod: Any) -> str:  # noqa: ANN401
    if pod is None:
        return "it is not there"
    conditions = [condition for condition in pod.status.conditions or [] if condition.status == "False"]
    waiting = waiting_reasons(pod)
    said = [condition.message for condition in conditions if condition.message]
    return "; ".join([*waiting, *said]) or str(pod.status.phase)


def _event(line: str) -> Event | None:
    """What the program tells; None for what is not its own, such as a traceback of Python's."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
