"""Readiness of objects: one rule for each kind, applied to the current object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.immutable import group
from tools.offline.plugins.kubernetes.objects import ObjectReference, at, reference
from tools.offline.plugins.values import Object

DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of an object; a `failure` is final."""

    message: str = ""
    is_ready: bool = False
    failure: str = ""


READY: Final = Progress(is_ready=True)
Rule = Callable[[KubernetesApi, Object], Progress]


def progress(api: KubernetesApi, live: Object) -> Progress:
    """Return the progress of `live`; a kind without a rule is ready as soon as it exists."""
    rule = RULES.get((group(live), live["kind"]))
    return rule(api, live) if rule else READY


def has_rule(item: Object) -> bool:
    return (group(item), item.get("kind")) in RULES


def _deployment(_api: KubernetesApi, live: Object) -> Progress:
    desired, status = at(live, "spec", "replicas", default=1), at(live, "status", default={})
    stalled = _condition(live, "Progressing", "False")
    if not _is_observed(live):
        return Progress(message="[1/2] waiting for the controller to see the change")
    if stalled and stalled.get("reason") == "ProgressDeadlineExceeded":
        return Progress(failure=str(stalled.get("message", "its progress deadline has passed")))
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if at(live, "spec", "paused") or updated == available == status.get("replicas", 0) == desired:
        return READY
    if updated < desired:
        return Progress(message=f"[1/2] {updated} of {desired} replicas are of the new version")
    return Progress(message=f"[2/2] {min(available, desired)} of {desired} replicas are available")


def _stateful_set(_api: KubernetesApi, live: Object) -> Progress:
    desired, status = at(live, "spec", "replicas", default=1), at(live, "status", default={})
    if not _is_observed(live):
        return Progress(message="[1/2] waiting for the controller to see the change")
    strategy = at(live, "spec", "updateStrategy", default={})
    is_rolled = strategy.get("type") != "OnDelete" and not at(strategy, "rollingUpdate", "partition")
    if is_rolled and desired and status.get("updatedReplicas", 0) < desired:
        return Progress(
            message=f"[1/2] {status.get('updatedReplicas', 0)} of {desired} replicas are of the new version"
        )
    ready = status.get("readyReplicas", 0)
    return READY if ready == desired else Progress(message=f"[2/2] {ready} of {desired} replicas are ready")


def _daemon_set(_api: KubernetesApi, live: Object) -> Progress:
    status = at(live, "status", default={})
    if not _is_observed(live):
        return Progress(message="[1/2] waiting for the controller to see the change")
    desired, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    if status.get("updatedNumberScheduled", 0) < desired and at(live, "spec", "updateStrategy", "type") != "OnDelete":
        updated = status.get("updatedNumberScheduled", 0)
        return Progress(message=f"[1/2] {updated} of {desired} nodes have the new version")
    return READY if available >= desired else Progress(message=f"[2/2] available on {available} of {desired} nodes")


def _replica_set(_api: KubernetesApi, live: Object) -> Progress:
    desired, ready = at(live, "spec", "replicas", default=1), at(live, "status", "readyReplicas", default=0)
    done = _is_observed(live) and ready == desired
    return READY if done else Progress(message=f"{ready} of {desired} replicas are ready")


def _job(_api: KubernetesApi, live: Object) -> Progress:
    failed = _condition(live, "Failed", "True")
    if failed:
        return Progress(failure=f"{failed.get('reason', 'Failed')}: {failed.get('message', 'the job has failed')}")
    if _condition(live, "Complete", "True") or at(live, "spec", "suspend"):
        return READY
    desired, done = at(live, "spec", "completions", default=1), at(live, "status", "succeeded", default=0)
    return Progress(message=f"{done} of {desired} pods have succeeded")


def _pod(_api: KubernetesApi, live: Object) -> Progress:
    phase = at(live, "status", "phase", default="Pending")
    if phase == "Failed":
        return Progress(failure=str(at(live, "status", "message", default="the pod has failed")))
    is_ready = phase == "Succeeded" or _condition(live, "Ready", "True")
    return READY if is_ready else Progress(message=f"the pod is {phase.lower()}, not ready")


def _service(api: KubernetesApi, live: Object) -> Progress:
    spec = live.get("spec", {})
    if spec.get("type") == "ExternalName":
        return READY
    if spec.get("selector") and not _has_endpoint(api, reference(live)):
        return Progress(message="[1/2] no ready pod matches its selector")
    if spec.get("type") == "LoadBalancer" and not at(live, "status", "loadBalancer", "ingress"):
        return Progress(message="[2/2] the load balancer has given no address")
    return READY


def _claim(api: KubernetesApi, live: Object) -> Progress:
    phase = at(live, "status", "phase", default="Pending")
    if phase == "Bound" or _waits_for_consumer(api, at(live, "spec", "storageClassName")):
        return READY
    return Progress(message=f"the claim is {phase.lower()}, not bound")


def _namespace(_api: KubernetesApi, live: Object) -> Progress:
    phase = at(live, "status", "phase")
    return READY if phase == "Active" else Progress(message=f"the namespace is {phase}, not active")


def _definition(_api: KubernetesApi, live: Object) -> Progress:
    refused = _condition(live, "NamesAccepted", "False")
    if refused:
        return Progress(failure=str(refused.get("message", "its names are taken")))
    return READY if _condition(live, "Established", "True") else Progress(message="the definition is not served yet")


RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Namespace"): _namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}


def _is_observed(live: Object) -> bool:
    """Return whether the status is of the current generation."""
    seen: int = at(live, "status", "observedGeneration", default=0)
    generation: int = at(live, "metadata", "generation", default=1)
    return seen >= generation


def _condition(live: Object, name: str, status: str) -> Object | None:
    conditions: list[Object] = at(live, "status", "conditions", default=[])
    return next((each for each in conditions if (each.get("type"), each.get("status")) == (name, status)), None)


def _has_endpoint(api: KubernetesApi, service: ObjectReference) -> bool:
    slices = ObjectReference("discovery.k8s.io/v1", "EndpointSlice", "", service.namespace)
    endpoint_slices = api.list_objects(slices, labelSelector=f"kubernetes.io/service-name={service.name}")
    endpoints = [endpoint for each in endpoint_slices for endpoint in each.get("endpoints") or []]
    return any(at(endpoint, "conditions", "ready", default=True) for endpoint in endpoints)


def _waits_for_consumer(api: KubernetesApi, name: str | None) -> bool:
    """Return whether the storage class binds a claim at its first pod; name None is the default class."""
    for each in api.list_objects(ObjectReference("storage.k8s.io/v1", "StorageClass", "")):
        is_default = at(each, "metadata", "annotations", DEFAULT_CLASS) == "true"
        if each["metadata"]["name"] == name or (name is None and is_default):
            return each.get("volumeBindingMode") == "WaitForFirstConsumer"
    return False
