"""A GPU is used only by pods that claim it: one that takes it unseen fills the memory of the pod that has it."""

from collections.abc import Iterator
from typing import Any

from infra.quantities import as_bytes
from policies.reading.claims import GPU, Container, amount, containers
from policies.reading.infrastructure import leave
from policies.reading.pods import Pods
from policies.reading.unknowns import UNKNOWN, items, mapping, values
from policies.rule import pod_rule

RUNTIME = "nvidia"
VARIABLE = "NVIDIA_VISIBLE_DEVICES"
HARMLESS = ("", "none", "void")
DEVICES = ("/dev", "/dev/nvidia")
DEVICE_ANNOTATION = "cdi.k8s.io/"
REMEDY = f"claim it with resources.limits.{GPU}, or take this away"


def _check(pods: Pods) -> Iterator[str]:
    found = containers(pods.spec)
    claims = any(_claims(container) for container in [pods.spec, *found])
    sees = leave(pods).sees_gpus
    runtime = pods.spec.get("runtimeClassName")
    if not claims and not sees and (runtime is UNKNOWN or str(runtime or "").startswith(RUNTIME)):
        yield f"runtimeClassName {runtime} brings the GPU in without a claim; {REMEDY}"
    yield from (f"{way} brings the GPU in unseen by the scheduler; {REMEDY}" for way in _devices(pods))
    for container in found:
        yield from _of_container(container, is_claimed=claims, sees_all=sees)


def _of_container(container: Container, *, is_claimed: bool, sees_all: bool) -> Iterator[str]:
    name = container.get("name")
    if mapping(container.get("securityContext")).get("privileged") not in (None, False):
        yield f"container {name} is privileged, and so sees every GPU; set privileged to false"
    for value in _visible(container):
        if not (sees_all if value == "all" else is_claimed):
            yield f"container {name} sets {VARIABLE} to {value!r}, past the device plugin; {REMEDY}"
    for side in mapping(container.get("resources")).values():
        for resource in mapping(side):
            if resource.startswith("nvidia.com/") and resource != GPU:
                yield f"container {name} claims {resource}, which the budget does not count; claim {GPU} instead"


def _claims(holder: dict[str, Any]) -> bool:
    return amount(holder, "limits", GPU, as_bytes) > 0


def _visible(container: Container) -> Iterator[object]:
    """The values of the variable that show a GPU; one that is read from elsewhere, or not known yet, may."""
    for entry in values(container.get("env")):
        if mapping(entry).get("name") == VARIABLE:
            value = "its value from elsewhere" if "valueFrom" in entry else entry.get("value", "")
            if value not in HARMLESS:
                yield value


def _devices(pods: Pods) -> Iterator[str]:
    for volume in items(pods.spec.get("volumes"), "volumes"):
        path = str(mapping(volume.get("hostPath")).get("path", "")).rstrip("/")
        if path == DEVICES[0] or path.startswith(DEVICES[1]):
            yield f"the hostPath {path}"
    if pods.spec.get("resourceClaims"):
        yield "resourceClaims"
    yield from (f"annotation {key}" for key in pods.annotations if key.startswith(DEVICE_ANNOTATION))


no_hidden_gpu = pod_rule("no-hidden-gpu", f"No pod reaches a GPU without claiming {GPU}.", _check)
