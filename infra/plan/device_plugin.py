"""NVIDIA's device plugin, which makes GPUs, or shares of them, a resource that pods can claim.

Source: https://github.com/NVIDIA/k8s-device-plugin
"""

from typing import Any, Final

from infra.quantities import MI
from infra.settings.model import Node
from infra.sizing.budget import LedgerLine, ResourceClaim
from infra.yaml_text import yaml_text

NAME: Final = "nvidia-device-plugin"
NAMESPACE: Final = "kube-system"  # the priority `system-node-critical` is allowed only here
PHASE: Final = 2
IMAGE: Final = (
    "nvcr.io/nvidia/k8s-device-plugin:v0.20.0@sha256:a61ba9fd8efb82f3a79f877f7580e02c1e8e7593f62473644bc9c79e315c3312"
)
SOCKETS: Final = "/var/lib/kubelet/device-plugins"
SOCKET: Final = f"{SOCKETS}/nvidia-gpu.sock"  # the plugin creates it when it is ready, and the kubelet connects to it
CLAIM: Final = ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=50, cpu_limit=250)


def lines(node: Node, phase: int) -> tuple[LedgerLine, ...]:
    """Return its line of the ledger, where the stack deploys it."""
    line = LedgerLine(name=NAME, claim=CLAIM, phase=PHASE, namespace=NAMESPACE)
    return (line,) if is_deployed(node, phase) else ()


def is_deployed(node: Node, phase: int) -> bool:
    return node.device_plugin and phase >= PHASE


def configuration(node: Node) -> str:
    """Return its configuration file, with time-slicing where GPUs have shares.

    It refuses a pod with two shares: both may be of the same GPU, and give no more of its time than one.
    """
    document: dict[str, Any] = {"version": "v1", "flags": {"migStrategy": "none", "failOnInitError": True}}
    shares = max(gpu.shares for gpu in node.gpus)  # validation ensures that all GPUs have the same
    if shares > 1:
        resources = [{"name": "nvidia.com/gpu", "replicas": shares}]
        document["sharing"] = {"timeSlicing": {"failRequestsGreaterThanOne": True, "resources": resources}}
    return yaml_text(document)
