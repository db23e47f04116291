"""Nodes of a cluster: readiness and version."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client

from ops.cluster.api_errors import translate_errors
from ops.cluster.connection import connect
from ops.errors import UnreachableError


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """One node; *version* is its kubelet's."""

    name: str
    is_ready: bool
    version: str


def read_nodes(kubeconfig: Path) -> tuple[NodeState, ...]:
    """Return the nodes of the cluster in the kubeconfig's current context. Raises UnreachableError."""
    with connect(kubeconfig, None) as api, translate_errors(UnreachableError, f"{kubeconfig}: the cluster"):
        return tuple(map(_node, client.CoreV1Api(api).list_node().items))


def _node(node: Any) -> NodeState:  # noqa: ANN401 - the client is untyped
    conditions = node.status.conditions or []
    is_ready = any(each.type == "Ready" and each.status == "True" for each in conditions)
    return NodeState(name=node.metadata.name, is_ready=is_ready, version=node.status.node_info.kubelet_version)
