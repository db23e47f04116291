"""Who reaches whom under the policies that a stack renders, tried by real pods: every source, address and port."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from infra.plan.stack import plan
from infra.settings.loader import load
from tests.cluster.conftest import DEADLINE_S, eventually
from tests.cluster.probe_pods import ProbePods
from tests.cluster.stage import PUBLIC, WEBHOOK_PORT, NetworkStage, internet
from tests.shipped import STACKS
from tools.cluster import Cluster
from tools.cluster.images import archive, of_one


@pytest.fixture(scope="session")
def probe(cluster: Cluster) -> str:
    """The reference of the probing pods' image."""
    (reference,) = cluster.import_image(archive(of_one("probe")))
    return reference


@pytest.fixture(scope="module")
def outside(api: Any, probe: str, shell: str) -> Iterator[None]:
    probes = ProbePods(api, probe)
    internet(probes, shell)
    yield
    probes.clear()


def stage_of(stack: str, probes: ProbePods) -> NetworkStage:
    """The stack as it is shipped but for its namespace, and for where its alerts go."""
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
        for found in stage.policies.values():  # a namespace that goes takes its own away
            client.NetworkingV1Api(api).delete_namespaced_network_policy(
                found["metadata"]["name"], found["metadata"]["namespace"]
            )
        for name in (stage.namespace, stage.elsewhere):
            probes.core.delete_namespace(name)


def accounts(api: Any, namespace: str) -> list[Any]:
    found: list[Any] = client.CoreV1Api(api).list_namespaced_service_account(namespace).items
    return found


def test_everybody_reaches_what_the_plan_says_and_nothing_else(stage: NetworkStage) -> None:
    assert stage.wrong(within_s=DEADLINE_S) == []  # a node is told later than its pods are ready who leads to them


@pytest.fixture
def policies(stage: NetworkStage, api: Any) -> Iterator[Any]:
    """Of the stage's namespace; they are as they were once the test is over."""
    networking: Any = client.NetworkingV1Api(api)
    yield networking
    ours = {name: found for name, found in stage.policies.items() if found["metadata"]["namespace"] == stage.namespace}
    there = {found.metadata.name for found in networking.list_namespaced_network_policy(stage.namespace).items}
    for name, found in ours.items():
        if name in there:
            networking.replace_namespaced_network_policy(name, stage.namespace, found)
        else:
            networking.create_namespaced_network_policy(stage.namespace, found)
    eventually(lambda: not stage.wrong(), "the policies are not as they were")


@pytest.mark.parametrize("stage", ["forge"], indirect=True)
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("allow-piper-tts", "synapse-gateway -> piper-tts tcp .*: shut, not open"),
        ("allow-piper-tts-egress", "piper-tts -> coredns udp .*: shut, not open"),
        ("default-deny", "stranger -> neighbour tcp .*: open, not shut"),
    ],
)
def test_a_policy_that_is_missed_is_seen(stage: NetworkStage, policies: Any, policy: str, expected: str) -> None:
    policies.delete_namespaced_network_policy(policy, stage.namespace)
    eventually(lambda: any(re.fullmatch(expected, fault) for fault in stage.wrong()), "nothing is wrong without it")


@pytest.mark.parametrize("stage", ["forge"], indirect=True)
def test_a_wrong_port_is_seen(stage: NetworkStage, policies: Any) -> None:
    """Both of its sides: what should be open is shut, and what should be shut is open."""
    for name in ("allow-piper-tts", "allow-synapse-gateway-egress"):
        text = json.dumps(stage.policies[name]).replace('"port": 8000', '"port": 11434')
        assert text != json.dumps(stage.policies[name])
        policies.replace_namespaced_network_policy(name, stage.namespace, json.loads(text))
    for expected in ("8000: shut, not open", "11434: open, not shut"):
        wanted = re.compile(f"synapse-gateway -> piper-tts tcp .*:{expected}")
        eventually(lambda wanted=wanted: any(map(wanted.fullmatch, stage.wrong())), expected)  # type: ignore[misc]
