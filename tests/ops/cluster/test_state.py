"""State of a stack, as the Kubernetes API has it."""

from pathlib import Path
from typing import Any

from ops.cluster.state import read
from tests.ops.models.file_server import serving
from tests.ops.smoke.fake_cluster import NAMESPACE, kubeconfig, pod


def test_a_terminating_pod_is_left_out(tmp_path: Path) -> None:
    """It may have the condition Ready until it has ended: after each rollout one pod too many would count."""
    terminating, new = pod("synapse-gateway", "terminating"), pod("synapse-gateway", "new")
    terminating["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    for each in (terminating, new):
        each["spec"] = {"containers": []}
    with serving() as server:
        server.documents = {_path("pods"): _list(terminating, new), _path("persistentvolumeclaims"): _list()}
        state = read(kubeconfig(tmp_path, server.url), NAMESPACE)
    assert [each.name for each in state.pods] == ["new"]


def _path(kind: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/{kind}"


def _list(*items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {}, "items": items}
