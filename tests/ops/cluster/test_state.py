"""What a cluster says of a stack, by its API."""

from pathlib import Path
from typing import Any

from ops.cluster.state import read
from tests.ops.models.serving import serving
from tests.ops.smoke.cluster import NAMESPACE, kubeconfig, pod


def test_a_pod_on_its_way_out_is_none_of_the_stack(tmp_path: Path) -> None:
    """It may say that it is ready until it has ended: whoever counts would find one too many after each rollout."""
    going, new = pod("synapse-gateway", "going"), pod("synapse-gateway", "new")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    for each in (going, new):
        each["spec"] = {"containers": []}
    with serving() as server:
        server.documents = {_path("pods"): _listed(going, new), _path("persistentvolumeclaims"): _listed()}
        found = read(kubeconfig(tmp_path, server.url), NAMESPACE)
    assert [each.name for each in found.pods] == ["new"]


def _path(kind: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/{kind}"


def _listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {}, "items": items}
