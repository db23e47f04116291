"""Limits of the namespace that the cluster enforces without Pulumi."""

from typing import Any

import pytest
from kubernetes import client

from tests.pulumi_engine.conftest import PACK, ok
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
HARDENED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(memory: str, security: dict[str, Any]) -> dict[str, Any]:
    limits = {"memory": memory, "cpu": "1"}
    only = {"name": "main", "image": "busybox", "securityContext": security, "resources": {"limits": limits}}
    return {"metadata": {"name": "hand"}, "spec": {"containers": [only]}}


def refusal(core: Any, namespace: str, body: dict[str, Any]) -> str:
    with pytest.raises(client.ApiException) as raised:
        core.create_namespaced_pod(namespace, body, dry_run="All")
    assert raised.value.status == 403
    return str(raised.value.body)


def test_the_namespace_has_the_limits_of_the_ledger(engine: PulumiEngine, core: Any, namespace: str) -> None:
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    core.create_namespaced_pod(namespace, pod("12Gi", HARDENED), dry_run="All")
    assert "exceeded quota: budget" in refusal(core, namespace, pod("13Gi", HARDENED))
    assert "maximum memory usage per Container is 64Gi" in refusal(core, namespace, pod("65Gi", HARDENED))
    assert 'violates PodSecurity \\"restricted' in refusal(core, namespace, pod("1Gi", {}))
    for field in HARDENED:
        weakened = {key: value for key, value in HARDENED.items() if key != field}
        assert "violates PodSecurity" in refusal(core, namespace, pod("1Gi", weakened))
