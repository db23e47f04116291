"""Wait for the pods that Pulumi does not wait for."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.plan.stack import Plan
from ops.cluster import completion
from ops.cluster.completion import deadline_s, missing, wait_until_complete
from ops.cluster.state import ClusterState, PodState
from tests.conftest import planned


@pytest.fixture
def plan() -> Plan:
    return planned()


def complete(plan: Plan) -> ClusterState:
    """Return the state with every pod ready."""
    lines = [line for line in plan.ledger.lines if line.is_lasting]
    pods = [
        PodState(workload=line.name, name=f"{line.name}-{number}", is_ready=True, node="forge", reason="")
        for line in lines
        for number in range(line.replicas)
    ]
    return ClusterState(pods=tuple(pods), claims=())


def without(state: ClusterState, workload: str) -> ClusterState:
    pods = [replace(pod, is_ready=pod.is_ready and pod.workload != workload) for pod in state.pods]
    return replace(state, pods=tuple(pods))


def test_it_waits_until_every_pod_is_ready(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(completion, "POLL_S", 0)
    whole = complete(plan)
    states: Iterator[ClusterState] = iter([replace(whole, pods=()), without(whole, "ollama"), whole])
    assert wait_until_complete(plan, lambda: next(states)) == whole
    first, second = capsys.readouterr().err.splitlines()
    assert "vllm-inference (0 of 1 ready)" in first
    assert second.endswith("s more: ollama (0 of 1 ready)")


def test_a_complete_stack_is_not_waited_for(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert wait_until_complete(plan, lambda: complete(plan)) == complete(plan)
    assert capsys.readouterr().err == ""


def test_the_wait_has_an_end(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "POLL_S", 0)
    lacking = without(complete(plan), "ollama")
    assert wait_until_complete(plan, lambda: lacking, within_s=0.1) == lacking


def test_the_longest_start_of_a_service_is_waited_for(plan: Plan) -> None:
    slow = next(service for service in plan.services if service.name == "vllm")
    probe = slow.probes.startup
    assert deadline_s(plan) >= probe.delay_s + probe.period_s * probe.failures


def test_a_pod_beside_the_services_is_named(plan: Plan) -> None:
    job = PodState(workload="fetch", name="fetch-1", is_ready=False, node="forge", reason="")
    whole = complete(plan)
    assert list(missing(plan, replace(whole, pods=(*whole.pods, job)))) == ["fetch-1"]
