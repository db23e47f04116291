"""Worker: a pod that runs one command on the PVC of a service, because only the cluster reaches the disk."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from kubernetes import watch

from infra import hardening
from infra.catalog.spec import Volume
from infra.labels import NAME_LABEL, service_selector
from infra.plan.egress_rules import WORKER
from ops.cluster.api_errors import API_ERRORS, translate_errors
from ops.cluster.logs import CHUNK, split_lines
from ops.cluster.pod_status import fatal_waiting, is_ready, waiting_reasons
from ops.cluster.pods import REQUEST_TIMEOUT_S
from ops.models.inventory import ModelError

FOLDER: Final = "/tmp"  # noqa: S108 - inside the container, the only folder that it may write to beside the PVC
START_TIMEOUT_S: Final = 180
"""Seconds for the node to pull the image and to start the pod."""
DEADLINE_S: Final = 24 * 3600
LOG_LINES_SHOWN: Final = 10
LIMITS: Final = {"memory": "256Mi", "cpu": "1", "ephemeral-storage": "64Mi"}
START_ERROR: Final = "StartError"
WorkerEvent = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class WorkerJob:
    """A *command* in *image* with the PVC of *disk*, as *user*.

    *token*: the Secret and its key with the token of the hub.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    disk: Volume
    user: int
    image: str
    token: tuple[str, str] | None = None


class Worker:
    """Runs jobs in *namespace*; *core* is the client of the cluster. Its methods raise ModelError."""

    def __init__(self, core: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self._core = core
        self._namespace = namespace

    def run(self, job: WorkerJob) -> Iterator[WorkerEvent]:
        """Yield the events that the command prints, and delete the pod at the end. A `fault` is raised."""
        with translate_errors(ModelError):
            self._sweep()
            name = self._core.create_namespaced_pod(self._namespace, manifest(job)).metadata.name
        try:
            with translate_errors(ModelError):
                self._wait(name, _has_started, START_TIMEOUT_S)
                log: list[str] = []
                for line in self._lines(name):
                    if (event := _event(line)) is None:
                        log.append(line)
                    elif "fault" in event and "model" not in event:
                        raise ModelError(str(event["fault"]))
                    else:
                        yield event
                _check(self._wait(name, _has_ended, REQUEST_TIMEOUT_S), log)
        finally:
            with suppress(*API_ERRORS):
                self._core.delete_namespaced_pod(name, self._namespace, grace_period_seconds=0)

    def image_of(self, service: str) -> str | None:
        """Return the image of a ready pod of *service*, which is on the node already."""
        with translate_errors(ModelError):
            pods = self._core.list_namespaced_pod(
                self._namespace, label_selector=service_selector(service), _request_timeout=REQUEST_TIMEOUT_S
            ).items
        ready = [pod for pod in pods if is_ready(pod)]
        return str(ready[0].spec.containers[0].image) if ready else None

    def _lines(self, name: str) -> Iterator[str]:
        response = self._core.read_namespaced_pod_log(name, self._namespace, follow=True, _preload_content=False)
        try:
            yield from split_lines(response.stream(CHUNK))
        finally:
            response.close()

    def _wait(self, name: str, condition: Callable[[Any], bool], timeout_s: int) -> Any:  # noqa: ANN401 - the client is untyped
        """Return the pod once it meets *condition*."""
        events = watch.Watch().stream(  # type: ignore[no-untyped-call]
            self._core.list_namespaced_pod,
            self._namespace,
            field_selector=f"metadata.name={name}",
            timeout_seconds=timeout_s,
        )
        pod = None
        for event in events:
            pod = event["object"]
            if condition(pod):
                return pod
        raise ModelError(
            f"timeout after {timeout_s} s while waiting for pod {name} of {self._namespace}: {_state(pod)}"
        )

    def _sweep(self) -> None:
        """Delete ended pods of commands that were killed before they could do it."""
        for phase in ("Succeeded", "Failed"):
            self._core.delete_collection_namespaced_pod(
                self._namespace, label_selector=service_selector(WORKER), field_selector=f"status.phase={phase}"
            )


def manifest(job: WorkerJob) -> dict[str, Any]:
    """Return the pod, hardened like every other; the cluster completes its name."""
    variables: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in job.environment.items()]
    if job.token:
        secret, key = job.token
        variables.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
    container = {
        "name": "worker",
        "image": job.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(job.command),
        "env": variables,
        "resources": {"limits": LIMITS, "requests": {**LIMITS, "cpu": "100m"}},
        "securityContext": hardening.container_security(),
        "volumeMounts": [{"name": "disk", "mountPath": job.disk.mount}, {"name": "scratch", "mountPath": FOLDER}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": f"{WORKER}-", "labels": {NAME_LABEL: WORKER}},
        "spec": {"containers": [container], **_pod_settings(job)},
    }


def _pod_settings(job: WorkerJob) -> Mapping[str, Any]:
    return {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": DEADLINE_S,
        **hardening.pod_fields(),
        "securityContext": hardening.pod_security(job.user),
        "volumes": [
            {"name": "disk", "persistentVolumeClaim": {"claimName": job.disk.name}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "16Mi"}},
        ],
    }


def _has_started(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Raises ModelError for a pod that will never start."""
    for status in pod.status.container_statuses or []:
        if reason := fatal_waiting(status):
            raise ModelError(f"pod {pod.metadata.name} cannot start: {reason}")
        end = status.state.terminated
        if end and end.reason == START_ERROR:  # an image from before the downloader was in it
            raise ModelError(
                f"pod {pod.metadata.name}: its image, {pod.spec.containers[0].image}, does not have the command: "
                f"{end.message}; release the gateway first"
            )
        if status.state.running or end:
            return True
    return False


def _has_ended(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    return any(status.state.terminated for status in pod.status.container_statuses or [])


def _check(pod: Any, log: Sequence[str]) -> None:  # noqa: ANN401 - the client is untyped
    end = pod.status.container_statuses[0].state.terminated
    if end.exit_code:
        reason = f"{end.reason}, exit code {end.exit_code}"
        last = "\n  ".join([reason, *filter(None, [end.message]), *log[-LOG_LINES_SHOWN:]])
        raise ModelError(f"pod {pod.metadata.name} has failed: {last}")


def _state(pod: Any) -> str:  # noqa: ANN401 - the client is untyped
    if pod is None:
        return "the pod does not exist"
    conditions = [condition for condition in pod.status.conditions or [] if condition.status == "False"]
    waiting = waiting_reasons(pod)
    messages = [condition.message for condition in conditions if condition.message]
    return "; ".join([*waiting, *messages]) or str(pod.status.phase)


def _event(line: str) -> WorkerEvent | None:
    """Return the event on a line of the log; None for every other line, such as a traceback."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
