"""Network policies of a stack, tried by real pods: every source, address and port."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from infra.plan.stack import plan
from infra.settings.loader import load
from tests.cluster.conftest import DEADLINE_S, eventually
from tests.cluster.network_stage import PUBLIC, WEBHOOK_PORT, NetworkStage, internet
from tests.cluster.probe_pods import ProbePods
from tests.shipped import STACKS
from tools.cluster import Cluster
from tools.cluster.images import archive, of_one


@pytest.fixture(scope="session")
def probe(cluster: Cluster) -> str:
    """Return the reference of the probe pods' image."""
    (reference,) = cluster.import_image(archive(of_one("probe")))
    return reference


@pytest.fixture(scope="module")
def outside(api: Any, probe: str, shell: str) -> Iterator[None]:
    probes = ProbePods(api, probe)
    internet(probes, shell)
    yield
    probes.clear()


def stage_of(stack: str, probes: ProbePods) -> NetworkStage:
    """Return the shipped stack with another namespace and another webhook."""
    settings = load(stack)
    changes: dict[str, Any] = {"namespace": f"matrix-{stack}"}
    if "alertmanager" in settings.services:
        webhook = f"http://{PUBLIC}:{WEBHOOK_PORT}/alerts"
        changes["monitoring"] = settings.monitoring.model_copy(update={"webhook": webhook})
    return NetworkStage(plan(settings.model_copy(update=changes)), probes, f"beside-{stack}")


@pytest.fixture(scope="module", params=STACKS)
def stage(request: pytest.FixtureRequest, api: Any, probe: str, outside: None) -> Iterator[NetworkStage]:
    probes = ProbePods(api, probe)
    stage = stage_of(request.param, probes)
    for name in (stage.namespace, stage.elsewhere):
        probes.core.create_namespace({"metadata": {"name": name}})
        eventually(lambda name=name: accounts(api, name), "no service account")  # type: ignore[misc]
    try:
        stage.build()
        yield stage
    finally:
        probes.clear()
        for policy in stage.policies.values():  # those of other namespaces would stay
            client.NetworkingV1Api(api).delete_namespaced_network_policy(
                policy["metadata"]["name"], policy["metadata"]["namespace"]
            )
        for name in (stage.namespace, stage.elsewhere):
            probes.core.delete_namespace(name)


def accounts(api: Any, namespace: str) -> list[Any]:
    listed: list[Any] = client.CoreV1Api(api).list_namespaced_service_account(namespace).items
    return listed


def test_every_connection_is_as_planned(stage: NetworkStage) -> None:
    assert stage.mismatches(within_s=DEADLINE_S) == []  # a Service leads to a pod later than that is ready


@pytest.fixture
def policies(stage: NetworkStage, api: Any) -> Iterator[Any]:
    """Yield the API of network policies; restore those of the stage's namespace after the test."""
    networking: Any = client.NetworkingV1Api(api)
    yield networking
    ours = {name: item for name, item in stage.policies.items() if item["metadata"]["namespace"] == stage.namespace}
    existing = {item.metadata.name for item in networking.list_namespaced_network_policy(stage.namespace).items}
    for name, item in ours.items():
        if name in existing:
            networking.replace_namespaced_network_policy(name, stage.namespace, item)
        else:
            networking.create_namespaced_network_policy(stage.namespace, item)
    eventually(lambda: not stage.mismatches(), "the policies are not restored")


@pytest.mark.parametrize("stage", ["forge"], indirect=True)
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("allow-piper-tts", "synapse-gateway -> piper-tts tcp .*: shut, not open"),
        ("allow-piper-tts-egress", "piper-tts -> coredns udp .*: shut, not open"),
        ("default-deny", "stranger -> neighbour tcp .*: open, not shut"),
    ],
)
def test_a_missing_policy_is_noticed(stage: NetworkStage, policies: Any, policy: str, expected: str) -> None:
    policies.delete_namespaced_network_policy(policy, stage.namespace)
    eventually(
        lambda: any(re.fullmatch(expected, mismatch) for mismatch in stage.mismatches()), "nothing changes without it"
    )


@pytest.mark.parametrize("stage", ["forge"], indirect=True)
def test_a_wrong_port_is_noticed(stage: NetworkStage, policies: Any) -> None:
    """One connection is shut that should be open, and another open that should be shut."""
    for name in ("allow-piper-tts", "allow-synapse-gateway-egress"):
        text = json.dumps(stage.policies[name]).replace('"port": 8000', '"port": 11434')
        assert text != json.dumps(stage.policies[name])
        policies.replace_namespaced_network_policy(name, stage.namespace, json.loads(text))
    for expected in ("8000: shut, not open", "11434: open, not shut"):
        pattern = re.compile(f"synapse-gateway -> piper-tts tcp .*:{expected}")
        eventually(lambda pattern=pattern: any(map(pattern.fullmatch, stage.mismatches())), expected)  # type: ignore[misc]
