"""The simulated machine, and the first objects that K3s would make."""

from dataclasses import dataclass
from typing import Final

from tools.control_plane.api import Manifest
from tools.offline.pins import KUBERNETES

ADDRESS: Final = "192.0.2.2"  # from RFC 5737: an address that nothing answers
PODS: Final = 110  # a kubelet's default
EPHEMERAL_BYTES: Final = 1 << 40
PROVISIONER: Final = "rancher.io/local-path"  # K3s' provisioner, simulated by stages.yaml
GPU: Final = "nvidia.com/gpu"


@dataclass(frozen=True, kw_only=True)
class SimulatedNode:
    """A machine as the scheduler sees it."""

    name: str
    memory: int  # bytes
    cpu: int  # millicores
    gpus: int  # number of `nvidia.com/gpu` it offers, shares included
    storage_class: str = "local-path"
    runtime_class: str = "nvidia"


def objects(node: SimulatedNode) -> dict[str, Manifest]:
    """Return the first objects of a twin by their path in the API."""
    return {
        f"/apis/node.k8s.io/v1/runtimeclasses/{node.runtime_class}": runtime_class(node),
        f"/apis/storage.k8s.io/v1/storageclasses/{node.storage_class}": storage_class(node),
        path(node): machine(node),
    }


def path(node: SimulatedNode) -> str:
    return f"/api/v1/nodes/{node.name}"


def machine(node: SimulatedNode) -> Manifest:
    """Return the Node; its annotation makes kwok manage it."""
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/control-plane": "true",
    }
    metadata = {"name": node.name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def machine_status(node: SimulatedNode) -> Manifest:
    """Return the Node's status without its conditions, which kwok sets."""
    status = {
        "capacity": capacity(node),
        "allocatable": capacity(node),
        "addresses": [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": node.name}],
        "nodeInfo": node_info(),
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}, "status": status}


def capacity(node: SimulatedNode) -> dict[str, str]:
    """Return the node's capacity, all of it allocatable: a simulated kubelet reserves nothing."""
    resources = {
        "cpu": f"{node.cpu}m",
        "memory": str(node.memory),
        "ephemeral-storage": str(EPHEMERAL_BYTES),
        "pods": str(PODS),
    }
    return resources | ({GPU: str(node.gpus)} if node.gpus else {})


def node_info() -> dict[str, str]:
    """Return the system information of a Node; fields that have no meaning here are empty."""
    empty = ("bootID", "machineID", "systemUUID", "kernelVersion", "kubeProxyVersion")
    info = {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "Synapse twin",
        "containerRuntimeVersion": "simulated://",
        "kubeletVersion": f"v{KUBERNETES}",
    }
    return info | dict.fromkeys(empty, "")


def runtime_class(node: SimulatedNode) -> Manifest:
    """Return the RuntimeClass that K3s makes where the NVIDIA container runtime is installed."""
    metadata = {"name": node.runtime_class}
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata, "handler": "nvidia"}


def storage_class(node: SimulatedNode) -> Manifest:
    """Return the default storage class, which makes a volume on the node of its first pod."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": node.storage_class, "annotations": default},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
