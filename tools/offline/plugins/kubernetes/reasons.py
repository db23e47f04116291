"""Reasons why an object is not ready, from its conditions, its pods and events."""

from collections.abc import Iterator
from typing import Final

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.errors import KubernetesError
from tools.offline.plugins.kubernetes.objects import ObjectReference, at, reference
from tools.offline.plugins.values import Object

STARTING: Final = {"ContainerCreating", "PodInitializing"}
MOST: Final = 5  # lines; replicas usually fail for the same reason
WORKLOADS: Final = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}


def reasons(api: KubernetesApi, live: Object) -> list[str]:
    """Return up to five different reasons, those of the object itself first."""
    try:
        lines = [*_of_conditions(live), *_of_pods(api, live), *_of_events(api, live)]
    except KubernetesError as error:
        lines = [str(error)]
    return list(dict.fromkeys(lines))[:MOST]


def _of_conditions(live: Object) -> Iterator[str]:
    for each in at(live, "status", "conditions", default=[]):
        if each.get("type") == "ReplicaFailure" and each.get("status") == "True":
            yield f"{each.get('reason')}: {each.get('message')}"


def _of_pods(api: KubernetesApi, live: Object) -> Iterator[str]:
    if live["kind"] == "Pod":
        yield from _of_pod(live)
    labels = at(live, "spec", "selector", "matchLabels", default={})
    if live["kind"] in WORKLOADS and labels:
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        pods = ObjectReference("v1", "Pod", "", reference(live).namespace)
        for pod in api.list_objects(pods, labelSelector=selector):
            yield from _of_pod(pod)


def _of_pod(pod: Object) -> Iterator[str]:
    for each in at(pod, "status", "conditions", default=[]):
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            yield f"{each.get('reason')}: {each.get('message')}"
    for group in ("initContainerStatuses", "containerStatuses"):
        for status in at(pod, "status", group, default=[]):
            yield from _of_container(status)


def _of_container(status: Object) -> Iterator[str]:
    waiting = at(status, "state", "waiting", default={})
    ended = at(status, "state", "terminated") or at(status, "lastState", "terminated", default={})
    if waiting.get("reason") not in STARTING | {None}:
        yield f"container {status['name']}: {waiting['reason']}: {waiting.get('message', '')}".removesuffix(": ")
    if ended.get("exitCode"):
        yield f"container {status['name']} ended with exit status {ended['exitCode']} ({ended.get('reason')})"


def _of_events(api: KubernetesApi, live: Object) -> Iterator[str]:
    """Yield the newest warnings about the object itself."""
    target = reference(live)
    uid = at(live, "metadata", "uid")
    events = ObjectReference("v1", "Event", "", target.namespace or "default")
    warnings = api.list_objects(events, fieldSelector=f"involvedObject.uid={uid},type=Warning")
    for each in sorted(warnings, key=lambda event: str(event.get("lastTimestamp")), reverse=True):
        yield f"{each.get('reason')}: {each.get('message')}"
