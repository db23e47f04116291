"""Probe of the GPUs: a pod that runs `nvidia-smi` once and is deleted. No label has the driver's figures."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from kubernetes import client, watch

from infra import hardening
from infra.labels import NAME_LABEL
from infra.plan import device_plugin
from infra.settings.model import Node
from ops.cluster.api_errors import error_text
from ops.cluster.pod_status import waiting_reasons

NAMESPACE: Final = "default"
POD_PREFIX: Final = "synapse-doctor-"
FIELDS: Final = ("name", "driver_version", "memory.total", "memory.free", "compute_cap")
COMMAND: Final = ("nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
ENDED: Final = ("Succeeded", "Failed")
MIB: Final = 2**20
RESOURCES: Final = {"cpu": "100m", "memory": "64Mi"}


class ProbeError(Exception):
    """The GPUs could not be read; the message says why."""


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """One GPU as its driver reports it; memory in bytes."""

    name: str
    driver: str
    memory: int
    free: int
    compute: str


def probe(core: Any, node: Node, within_s: float) -> tuple[GpuReading, ...]:  # noqa: ANN401 - the client is untyped
    """Return the GPUs of *node*. Raises ProbeError where the cluster refuses the pod, or it does not end in time."""
    try:
        with created_pod(core, pod(node)) as name:
            return parse(_output(core, name, within_s))
    except client.ApiException as error:
        raise ProbeError(f"the API server refuses the probe's pod: {error_text(error)}") from error


def parse(output: str) -> tuple[GpuReading, ...]:
    """Return one GPU for each line of `nvidia-smi`. Raises ProbeError for any other output."""
    try:
        rows = [[part.strip() for part in line.split(",")] for line in output.splitlines() if line.strip()]
        gpus = tuple(
            GpuReading(name=name, driver=driver, memory=int(total) * MIB, free=int(free) * MIB, compute=compute)
            for name, driver, total, free, compute in rows
        )
    except ValueError as error:
        raise ProbeError(f"nvidia-smi printed: {output.strip()[:200]}") from error
    if not gpus:
        raise ProbeError("nvidia-smi sees no GPU")
    return gpus


def pod(node: Node) -> dict[str, Any]:
    """Return the pod's manifest. Like the GPU exporter it sees every GPU without a claim to one."""
    environment = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "utility"}
    container = {
        "name": "nvidia-smi",
        "image": device_plugin.IMAGE,
        "command": list(COMMAND),
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"requests": RESOURCES, "limits": RESOURCES},
        "securityContext": hardening.container_security(),
    }
    return {
        "metadata": {"generateName": POD_PREFIX, "labels": {NAME_LABEL: "synapse-doctor"}},
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
def created_pod(core: Any, manifest: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401 - the client is untyped
    """Create the pod, yield its name, and delete it. Raises kubernetes.client.ApiException."""
    name = core.create_namespaced_pod(NAMESPACE, manifest).metadata.name
    try:
        yield name
    finally:
        with suppress(client.ApiException):
            core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)


def _output(core: Any, name: str, within_s: float) -> str:  # noqa: ANN401 - the client is untyped
    options = {"field_selector": f"metadata.name={name}", "timeout_seconds": max(int(within_s), 1)}
    last = None
    events: Any = watch.Watch()  # type: ignore[no-untyped-call]
    for event in events.stream(core.list_namespaced_pod, NAMESPACE, **options):
        last = event["object"]
        if last.status.phase in ENDED:
            return str(core.read_namespaced_pod_log(name, NAMESPACE))
    reasons = "".join(f": {reason}" for reason in waiting_reasons(last)) if last else ""
    raise ProbeError(f"the probe's pod has not ended after {within_s:g} s{reasons}")
