"""What only the driver knows, asked by a pod that runs `nvidia-smi` once and is gone again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from kubernetes import client, watch

from infra import hardening
from infra.labels import NAME_LABEL
from infra.plan import device_plugin
from infra.settings.model import Node

NAMESPACE: Final = "default"
NAME: Final = "synapse-doctor-"
FIELDS: Final = ("name", "driver_version", "memory.total", "memory.free", "compute_cap")
COMMAND: Final = ("nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
ENDED: Final = ("Succeeded", "Failed")
MIB: Final = 2**20
SMALL: Final = {"cpu": "100m", "memory": "64Mi"}


class ProbeError(Exception):
    """Why the cards could not be looked at."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One graphics card as its driver has it; memory in bytes."""

    name: str
    driver: str
    memory: int
    free: int
    compute: str


def probe(core: Any, node: Node, within_s: float) -> tuple[Card, ...]:  # noqa: ANN401 - the client is untyped
    """The cards of *node*. Raises ProbeError where the cluster refuses the pod, or it does not end in time."""
    try:
        with _pod(core, node) as name:
            return cards(_output(core, name, within_s))
    except client.ApiException as error:
        raise ProbeError(f"the API server refuses the pod that would look: {error.status} {error.reason}") from error


def cards(output: str) -> tuple[Card, ...]:
    """A card for each line that `nvidia-smi` has printed. Raises ProbeError for anything else."""
    try:
        rows = [[part.strip() for part in line.split(",")] for line in output.splitlines() if line.strip()]
        found = tuple(
            Card(name=name, driver=driver, memory=int(total) * MIB, free=int(free) * MIB, compute=compute)
            for name, driver, total, free, compute in rows
        )
    except ValueError as error:
        raise ProbeError(f"nvidia-smi says: {output.strip()[:200]}") from error
    if not found:
        raise ProbeError("nvidia-smi sees no card")
    return found


def pod(node: Node) -> dict[str, Any]:
    """It sees every card and claims none, as the GPU exporter does."""
    environment = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "utility"}
    container = {
        "name": "nvidia-smi",
        "image": device_plugin.IMAGE,
        "command": list(COMMAND),
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"requests": SMALL, "limits": SMALL},
        "securityContext": hardening.container_security(),
    }
    return {
        "metadata": {"generateName": NAME, "labels": {NAME_LABEL: "synapse-doctor"}},
        "spec": {
            "nodeName": node.name,
            "runtimeClassName": node.runtime_class,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            **hardening.pod_fields(),
        },
    }


@contextmanager
def _pod(core: Any, node: Node) -> Iterator[str]:  # noqa: ANN401 - the client is untyped
    name = core.create_namespaced_pod(NAMESPACE, pod(node)).metadata.name
    try:
        yield name
    finally:
        with suppress(client.ApiException):
            core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)


def _output(core: Any, name: str, within_s: float) -> str:  # noqa: ANN401 - the client is untyped
    selected = {"field_selector": f"metadata.name={name}", "timeout_seconds": max(int(within_s), 1)}
    last = None
    watched: Any = watch.Watch()  # type: ignore[no-untyped-call]
    for event in watched.stream(core.list_namespaced_pod, NAMESPACE, **selected):
        last = event["object"]
        if last.status.phase in ENDED:
            return str(core.read_namespaced_pod_log(name, NAMESPACE))
    raise ProbeError(f"the pod that would look has not ended after {within_s:g} s{_why(last)}")


def _why(found: Any) -> str:  # noqa: ANN401 - the client is untyped
    statuses = (found and found.status.container_statuses) or []
    waits = [each.state.waiting for each in statuses if each.state and each.state.waiting]
    return "".join(f": {each.reason} {each.message or ''}".rstrip() for each in waits)
