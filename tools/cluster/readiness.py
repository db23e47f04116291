"""Readiness of pods after a start of the node: until the kubelet reports, the API server shows old states."""

from datetime import UTC, datetime
from typing import Any, Final

from tools.cluster.manifests import DNS_LABELS, STORAGE_LABELS
from tools.control_plane.api import AdminClient
from tools.control_plane.processes import Process

SYSTEM: Final = (DNS_LABELS, STORAGE_LABELS)  # pods that all other pods depend on


def is_system_ready(api: AdminClient, node: Process) -> bool:
    """Return whether the cluster's own pods are Ready, and started since the node did."""
    pods = [pod for pod in _pods(api) or () if _is_ready(pod) and _is_fresh(pod, node)]
    return all(any(labels.items() <= pod["metadata"].get("labels", {}).items() for pod in pods) for labels in SYSTEM)


def is_up_to_date(api: AdminClient, node: Process) -> bool:
    """Return whether the kubelet has reported on every pod that ran before the node started."""
    pods = _pods(api)
    return pods is not None and all(_is_fresh(pod, node) for pod in pods)


def _pods(api: AdminClient) -> list[dict[str, Any]] | None:
    pods = api.get("/api/v1/pods")
    return None if pods is None else list(pods["items"])


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _is_fresh(pod: dict[str, Any], node: Process) -> bool:
    """Return whether no container is reported to run since before the node; the API counts whole seconds."""
    since = datetime.fromtimestamp(int(node.wall_clock()), UTC)
    running = [item["state"].get("running") for item in pod["status"].get("containerStatuses", [])]
    return all(datetime.fromisoformat(item["startedAt"]) >= since for item in running if item)
