"""State of a stack, as the Kubernetes API has it."""

from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_job_that_has_ended_is_no_workload_that_is_not_ready(tmp_path: Path, phase: str) -> None:
    """Its pods stay as long as the Job, and have no condition Ready."""
    ended, server_pod = pod("ollama-models", "ended", is_ready=False), pod("ollama", "server")
    ended["metadata"]["ownerReferences"] = [{"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": "b"}]
    ended["status"]["phase"] = phase
    for each in (ended, server_pod):
        each["spec"] = {"containers": []}
    with serving() as server:
        server.documents = {_path("pods"): _list(ended, server_pod), _path("persistentvolumeclaims"): _list()}
        state = read(kubeconfig(tmp_path, server.url), NAMESPACE)
    assert [each.name for each in state.pods] == ["server"]
    assert state.is_ready


def _path(kind: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/{kind}"


def _list(*items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {}, "items": items}
