"""A pod beside a service's own that works on its claim: the disk is in the cluster, and so is what uses it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from kubernetes import client, watch
from urllib3.exceptions import HTTPError

from infra import hardening
from infra.catalog.spec import Volume
from infra.plan.egress_rules import WORKER
from ops.cluster.logs import BROKEN, PART, lines
from ops.cluster.pods import NAME, PATIENCE_S
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
HOPELESS: Final = frozenset({"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError", "ImagePullBackOff"})
Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done: *module* gets *order*, beside *disk*, as *user*. *token*: the Secret and the key that it is in."""

    module: str
    order: str
    disk: Volume
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
        with _told():
            self._sweep()
            name = self._core.create_namespaced_pod(self._namespace, manifest(work)).metadata.name
        try:
            with _told():
                self._await(name, _has_begun, START_S)
                said: list[str] = []
                for line in self._lines(name):
                    if (event := _event(line)) is None:
                        said.append(line)
                    elif "fault" in event and "model" not in event:
                        raise ModelError(str(event["fault"]))
                    else:
                        yield event
                _check(self._await(name, _has_ended, PATIENCE_S), said)
        finally:
            with suppress(*BROKEN):
                self._core.delete_namespaced_pod(name, self._namespace, grace_period_seconds=0)

    def image(self, gateway: str | None) -> str:
        """An image with Python: that of a pod of *gateway* which is ready, so that nothing is pulled, or PYTHON."""
        if gateway is None:
            return PYTHON
        with _told():
            pods = self._core.list_namespaced_pod(
                self._namespace, label_selector=f"{NAME}={gateway}", _request_timeout=PATIENCE_S
            ).items
        ready = [
            pod for pod in pods if any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or [])
        ]
        return str(ready[0].spec.containers[0].image) if ready else PYTHON

    def _lines(self, name: str) -> Iterator[str]:
        answer = self._core.read_namespaced_pod_log(name, self._namespace, follow=True, _preload_content=False)
        try:
            yield from lines(answer.stream(PART))
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
                self._namespace, label_selector=f"{NAME}={WORKER}", field_selector=f"status.phase={phase}"
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
        "securityContext": hardening.container_security(),
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
        **hardening.pod_fields(),
        "securityContext": hardening.pod_security(work.user),
        "volumes": [
            {"name": "disk", "persistentVolumeClaim": {"claimName": work.disk.name}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "16Mi"}},
        ],
    }


def _has_begun(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Raises ModelError for one that never will."""
    for status in pod.status.container_statuses or []:
        waiting = status.state.waiting
        if waiting and waiting.reason in HOPELESS:
            raise ModelError(f"pod {pod.metadata.name} cannot begin: {waiting.reason} {waiting.message or ''}")
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
    waiting = [status.state.waiting.reason for status in pod.status.container_statuses or [] if status.state.waiting]
    said = [condition.message for condition in conditions if condition.message]
    return "; ".join([*waiting, *said]) or str(pod.status.phase)


def _event(line: str) -> Event | None:
    """What the program tells; None for what is not its own, such as a traceback of Python's."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except client.ApiException as error:
        said = _message(error)
        raise ModelError(f"the cluster refuses: {said}") from error
    except (HTTPError, OSError) as error:
        raise ModelError(f"the cluster does not answer: {error}") from error


def _message(error: client.ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
