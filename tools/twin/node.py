"""The simulated machine, and what K3s would have put on its cluster before anyone deploys."""

from dataclasses import dataclass
from typing import Final

from tools.control_plane.api import Manifest
from tools.offline.pins import KUBERNETES

ADDRESS: Final = "192.0.2.2"  # of RFC 5737, which nobody has: nothing may answer in the node's stead
PODS: Final = 110  # a kubelet's default
EPHEMERAL_BYTES: Final = 1 << 40
PROVISIONER: Final = "rancher.io/local-path"  # K3s' own; stages.yaml plays it
GPU: Final = "nvidia.com/gpu"


@dataclass(frozen=True, kw_only=True)
class SimulatedNode:
    """A machine as the scheduler sees it."""

    name: str
    memory: int  # bytes
    cpu: int  # millicores
    gpus: int  # how many `nvidia.com/gpu` it offers, shares included
    storage_class: str = "local-path"
    runtime_class: str = "nvidia"


def objects(node: SimulatedNode) -> dict[str, Manifest]:
    """Everything a twin begins with, by its path in the API."""
    return {
        f"/apis/node.k8s.io/v1/runtimeclasses/{node.runtime_class}": runtime_class(node),
        f"/apis/storage.k8s.io/v1/storageclasses/{node.storage_class}": storage_class(node),
        path(node): machine(node),
    }


def path(node: SimulatedNode) -> str:
    return f"/api/v1/nodes/{node.name}"


def machine(node: SimulatedNode) -> Manifest:
    """The Node, which kwok takes care of because of its annotation."""
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/control-plane": "true",
    }
    metadata = {"name": node.name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {"apiVersion": "v1", "kind": "SimulatedNode", "metadata": metadata}


def machine_status(node: SimulatedNode) -> Manifest:
    """All of the Node's status but its conditions, which are kwok's."""
    status = {
        "capacity": capacity(node),
        "allocatable": capacity(node),
        "addresses": [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": node.name}],
        "nodeInfo": node_info(),
    }
    return {"apiVersion": "v1", "kind": "SimulatedNode", "metadata": {"name": node.name}, "status": status}


def capacity(node: SimulatedNode) -> dict[str, str]:
    """What the node has, and can give away: a simulated kubelet keeps nothing for itself."""
    resources = {
        "cpu": f"{node.cpu}m",
        "memory": str(node.memory),
        "ephemeral-storage": str(EPHEMERAL_BYTES),
        "pods": str(PODS),
    }
    return resources | ({GPU: str(node.gpus)} if node.gpus else {})


def node_info() -> dict[str, str]:
    """What a kubelet says of its machine; the fields without a truth are empty."""
    unknown = ("bootID", "machineID", "systemUUID", "kernelVersion", "kubeProxyVersion")
    known = {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "Synapse twin",
        "containerRuntimeVersion": "simulated://",
        "kubeletVersion": f"v{KUBERNETES}",
    }
    return known | dict.fromkeys(unknown, "")


def runtime_class(node: SimulatedNode) -> Manifest:
    """What K3s makes by itself where it finds the NVIDIA container runtime."""
    metadata = {"name": node.runtime_class}
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata, "handler": "nvidia"}


def storage_class(node: SimulatedNode) -> Manifest:
    """The default class: a volume is made on the node that its first pod lands on."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": node.storage_class, "annotations": default},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
