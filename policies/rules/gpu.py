"""Rules for GPUs: a pod sees a GPU only with a claim, and releases it before its successor starts."""

from collections.abc import Iterator
from typing import Any

from infra.quantities import as_bytes
from policies.reading.claims import GPU, Container, amount, containers
from policies.reading.gpu_exemptions import exemption
from policies.reading.pods import Pods, at
from policies.reading.unknowns import UNKNOWN, items, mapping, values
from policies.rule import pod_rule

RUNTIME = "nvidia"
VARIABLE = "NVIDIA_VISIBLE_DEVICES"
HARMLESS = ("", "none", "void")
DEVICES = ("/dev", "/dev/nvidia")
DEVICE_ANNOTATION = "cdi.k8s.io/"
REMEDY = f"claim it with resources.limits.{GPU}, or remove this"
SURGES = (
    ("spec", "updateStrategy", "rollingUpdate", "maxSurge"),
    ("spec", "rolloutStrategy", "rollingUpdateConfiguration", "maxSurge"),
)


def _visibility(pods: Pods) -> Iterator[str]:
    all_containers = containers(pods.spec)
    is_claimed = any(_claims(holder) for holder in [pods.spec, *all_containers])
    sees_all = exemption(pods).sees_gpus
    runtime = pods.spec.get("runtimeClassName")
    if not is_claimed and not sees_all and (runtime is UNKNOWN or str(runtime or "").startswith(RUNTIME)):
        yield f"runtimeClassName {runtime} gives access to the GPU without a claim; {REMEDY}"
    yield from (f"{device} gives access to the GPU without the scheduler; {REMEDY}" for device in _devices(pods))
    for container in all_containers:
        yield from _container(container, is_claimed=is_claimed, sees_all=sees_all)


def _container(container: Container, *, is_claimed: bool, sees_all: bool) -> Iterator[str]:
    name = container.get("name")
    if mapping(container.get("securityContext")).get("privileged") not in (None, False):
        yield f"container {name} is privileged, and so sees every GPU; set privileged to false"
    for value in _visible_devices(container):
        if not (sees_all if value == "all" else is_claimed):
            yield f"container {name} sets {VARIABLE} to {value!r}, which bypasses the device plugin; {REMEDY}"
    for side in mapping(container.get("resources")).values():
        for resource in mapping(side):
            if resource.startswith("nvidia.com/") and resource != GPU:
                yield f"container {name} claims {resource}, which the budget does not count; claim {GPU} instead"


def _claims(holder: dict[str, Any]) -> bool:
    return amount(holder, "limits", GPU, as_bytes) > 0


def _visible_devices(container: Container) -> Iterator[object]:
    """Yield the values of the variable that may show a GPU; an unknown or referenced value may show one."""
    for entry in values(container.get("env")):
        if mapping(entry).get("name") == VARIABLE:
            value = "a value from a reference" if "valueFrom" in entry else entry.get("value", "")
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


def _rollout(pods: Pods) -> Iterator[str]:
    if not any(_claims(holder) for holder in [pods.spec, *containers(pods.spec)]):
        return
    strategy = at(pods.owner.manifest, ("spec", "strategy", "type"))
    if pods.owner.kind == "Deployment" and strategy != "Recreate":
        state = "not known before the update" if strategy is UNKNOWN else strategy or "left out, so RollingUpdate"
        yield f"claims a GPU, and its strategy is {state}; set spec.strategy.type to Recreate"
    for path in SURGES:
        if at(pods.owner.manifest, path) not in (None, 0, "0", "0%"):
            yield f"claims a GPU, and {'.'.join(path)} lets a second pod start beside it; set it to 0"


no_hidden_gpu = pod_rule(
    "no-hidden-gpu",
    f"No pod reaches a GPU without claiming {GPU}.",
    _visibility,
    reason="A pod that uses a GPU without a claim fills the memory of the pod that has claimed it.",
)
gpu_is_released_first = pod_rule(
    "gpu-is-released-first",
    "A workload with a GPU is recreated, not rolled.",
    _rollout,
    reason="A rolling update waits for a GPU that the old pod does not release.",
)
