"""Whether pods are as the API says: after a node starts again, it still says what was so before it ended."""

from datetime import UTC, datetime
from typing import Any, Final

from tools.cluster.manifests import DNS_LABELS, STORAGE_LABELS
from tools.control_plane.api import AdminClient
from tools.control_plane.processes import Process

SYSTEM: Final = (DNS_LABELS, STORAGE_LABELS)  # what the first pods need


def is_system_ready(api: AdminClient, node: Process) -> bool:
    """Whether the cluster's own pods are Ready, and were started in this life of the node."""
    pods = [pod for pod in _pods(api) or () if _is_ready(pod) and _is_fresh(pod, node)]
    return all(any(labels.items() <= pod["metadata"].get("labels", {}).items() for pod in pods) for labels in SYSTEM)


def is_up_to_date(api: AdminClient, node: Process) -> bool:
    """Whether the kubelet has looked at every pod that ran in an earlier life of the node."""
    pods = _pods(api)
    return pods is not None and all(_is_fresh(pod, node) for pod in pods)


def _pods(api: AdminClient) -> list[dict[str, Any]] | None:
    found = api.get("/api/v1/pods")
    return None if found is None else list(found["items"])


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _is_fresh(pod: dict[str, Any], node: Process) -> bool:
    """Whether no container of it is said to run since before the node did; the API counts whole seconds."""
    since = datetime.fromtimestamp(int(node.wall_clock()), UTC)
    running = [item["state"].get("running") for item in pod["status"].get("containerStatuses", [])]
    return all(datetime.fromisoformat(item["startedAt"]) >= since for item in running if item)
