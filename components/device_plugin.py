"""NVIDIA's device plugin on the stack's node: it offers GPUs, or shares of them, to the pods of every namespace."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pulumi

from components.kubernetes import apps, core, meta, networking
from components.pod import CONTAINER_SECURITY, resources
from infra.annotations import FILES
from infra.labels import labels, selector
from infra.plan.device_plugin import CLAIM, IMAGE, NAME, NAMESPACE, SOCKET, SOCKETS, configuration
from infra.settings.model import Node


@dataclass(frozen=True, kw_only=True)
class DevicePluginArgs:
    """Node of the plugin."""

    node: Node


class DevicePlugin(pulumi.ComponentResource):
    """DaemonSet and configuration of the plugin, which uses only the kubelet's socket."""

    def __init__(self, name: str, args: DevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:DevicePlugin", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        networking.v1.NetworkPolicy(
            f"{name}-deny",
            metadata=_metadata(f"{NAME}-deny"),
            spec={"pod_selector": {"match_labels": selector(NAME)}, "policy_types": ["Ingress", "Egress"]},
            opts=child,
        )
        config = core.v1.ConfigMap(
            f"{name}-config",
            metadata=_metadata(f"{NAME}-config"),
            data={"config.yaml": configuration(args.node)},
            opts=child,
        )
        apps.v1.DaemonSet(
            name,
            metadata=_metadata(NAME),
            spec=daemon_set(args.node),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config]),
        )
        self.register_outputs({})


def daemon_set(node: Node) -> apps.v1.DaemonSetSpecArgsDict:
    """Return the spec of one pod on the node; the old pod stops first, since both would serve the same socket."""
    digest = hashlib.sha256(configuration(node).encode()).hexdigest()
    return {
        "selector": {"match_labels": selector(NAME)},
        "update_strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 1}},
        "template": {
            "metadata": {"labels": labels(NAME, NAME), "annotations": {FILES: digest}},
            "spec": pod(node),
        },
    }


def pod(node: Node) -> core.v1.PodSpecArgsDict:
    return {
        "priority_class_name": "system-node-critical",
        "runtime_class_name": node.runtime_class,
        "node_selector": {"kubernetes.io/hostname": node.name},
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": {
            "run_as_user": 0,  # the kubelet's folder belongs to root
            "run_as_group": 0,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [_container()],
        "volumes": [
            {"name": "sockets", "host_path": {"path": SOCKETS, "type": "Directory"}},
            {"name": "config", "config_map": {"name": f"{NAME}-config"}},
        ],
    }


def _container() -> core.v1.ContainerArgsDict:
    return {
        "name": NAME,
        "image": IMAGE,
        "image_pull_policy": "IfNotPresent",
        "env": [
            {"name": "CONFIG_FILE", "value": "/config/config.yaml"},
            {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
            {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "compute,utility"},
        ],
        "resources": resources(CLAIM),
        "security_context": CONTAINER_SECURITY,
        "startup_probe": _probe(period_s=5, failures=24),
        "readiness_probe": _probe(period_s=10, failures=3),
        "liveness_probe": _probe(period_s=30, failures=3),
        "volume_mounts": [
            {"name": "sockets", "mount_path": SOCKETS},
            {"name": "config", "mount_path": "/config", "read_only": True},
        ],
    }


def _probe(*, period_s: int, failures: int) -> core.v1.ProbeArgsDict:
    """Check that the socket exists, as there is no health page; a kubelet that restarts removes the socket."""
    script = ["sh", "-c", f"test -S {SOCKET}"]
    return {"exec_": {"command": script}, "period_seconds": period_s, "failure_threshold": failures}


def _metadata(name: str) -> meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": NAMESPACE, "labels": labels(NAME, NAME)}
