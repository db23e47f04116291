"""Limits of the namespace that the cluster enforces without Pulumi."""

import time
from typing import Any

import pytest
from kubernetes import client

from infra.quantities import parse
from tests.pulumi_engine.conftest import PACK, ok
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
COUNTED_S = 900
"""Longest wait for the quota: its controller counts what it missed after 5 minutes at the latest."""
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


def wait_until_counted(core: Any, namespace: str) -> None:
    """Wait until the quota has counted every pod: those made together with it are counted a moment later.

    It does not count pods that have ended, which is what a Job leaves.
    """
    deadline = time.monotonic() + COUNTED_S
    listed = core.list_namespaced_pod(namespace).items
    pods = [each for each in listed if each.status.phase not in {"Succeeded", "Failed"}]
    total = sum(parse(each.resources.limits["memory"]) for pod in pods for each in pod.spec.containers)
    while parse(used_memory(core, namespace)) != total:
        assert time.monotonic() < deadline, f"the quota counts {used_memory(core, namespace)} of {total} bytes"
        time.sleep(0.2)


def used_memory(core: Any, namespace: str) -> str:
    """Return the memory that the quota has counted, as a quantity; "0" where it has counted nothing yet."""
    used: dict[str, str] = core.read_namespaced_resource_quota("budget", namespace).status.used or {}
    return used.get("limits.memory", "0")


def test_the_namespace_has_the_limits_of_the_ledger(engine: PulumiEngine, core: Any, namespace: str) -> None:
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    wait_until_counted(core, namespace)
    core.create_namespaced_pod(namespace, pod("30Gi", HARDENED), dry_run="All")
    assert "exceeded quota: budget" in refusal(core, namespace, pod("31Gi", HARDENED))
    assert "maximum memory usage per Container is 64Gi" in refusal(core, namespace, pod("65Gi", HARDENED))
    assert 'violates PodSecurity \\"restricted' in refusal(core, namespace, pod("1Gi", {}))
    for field in HARDENED:
        weakened = {key: value for key, value in HARDENED.items() if key != field}
        assert "violates PodSecurity" in refusal(core, namespace, pod("1Gi", weakened))
