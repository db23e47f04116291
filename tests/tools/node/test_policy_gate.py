"""The policy gate beside a kube-router that reads the pods twice for one set of rules."""

from dataclasses import dataclass, field, replace
from http.client import HTTPSConnection
from typing import Any

import pytest

from tools.node import policy_gate
from tools.node.policy_gate import Firewall, Pod, wait_for_rules

ADDRESS, NODE = "10.42.0.9", "10.42.0.1"
CHAINS = "rule to jump traffic from POD name:{} namespace: {} to chain {}"


@dataclass(frozen=True)
class FakePod(Pod):
    """Pod whose status is here; *requests* counts the changes that kube-router makes new rules for."""

    state: dict[str, Any] = field(default_factory=lambda: {"startTime": "now"})
    requests: list[None] = field(default_factory=list)

    def status(self) -> dict[str, Any]:
        return self.state

    def announce(self, address: str, node: str | None) -> None:
        self.state.update({"podIP": address, "hostIP": node})
        self.requests.append(None)


@dataclass
class FakeFirewall(Firewall):
    """kube-router, which takes the next of its steps whenever its rules are read.

    *running* is a set of rules of which the policies, but not the chains, are made.
    """

    pod: FakePod
    others: tuple[str, ...] = ("-s 10.42.0.2/32 " + CHAINS.format("dns", "kube-system", "KUBE-POD-FW-0"),)
    running: bool = False
    waits: int = 0
    sets: int = 0
    selected: bool = False
    has_policies: bool = False
    rules: list[str] = field(default_factory=list)

    def jumps(self) -> list[str]:
        before = list(self.rules) or list(self.others)
        if self.waits:
            self.waits -= 1
        elif self.running:
            self._finish()
        elif self.pod.requests:
            self._begin()
        return before

    def _begin(self) -> None:
        self.pod.requests.clear()
        self.running, self.selected = True, "podIP" in self.pod.state

    def _finish(self) -> None:
        self.running, self.sets = False, self.sets + 1
        self.rules = [f"{rule}-{self.sets}" for rule in self.others]
        if self.pod.state.get("hostIP") == NODE and "podIP" in self.pod.state:
            self.has_policies = self.selected
            self.rules.append(f"-s {ADDRESS}/32 " + CHAINS.format("it", "space", f"KUBE-POD-FW-{self.sets}"))


@pytest.fixture
def pod() -> FakePod:
    return FakePod("space", "it", HTTPSConnection(NODE, 6443), "token")


@pytest.mark.parametrize("waits", range(6))
@pytest.mark.parametrize("running", [False, True])
def test_a_pod_starts_with_its_policies(pod: FakePod, waits: int, *, running: bool) -> None:
    """Also when its address comes while kube-router makes rules."""
    firewall = FakeFirewall(pod, running=running, waits=waits)
    wait_for_rules(pod, ADDRESS, firewall)
    assert firewall.has_policies
    assert (pod.state["podIP"], pod.state["hostIP"]) == (ADDRESS, NODE)


def test_the_first_pod_of_a_node_starts(pod: FakePod) -> None:
    wait_for_rules(pod, ADDRESS, FakeFirewall(pod, others=()))


def test_a_pod_without_rules_does_not_start(pod: FakePod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_gate, "READY_S", 0.2)
    stuck = FakeFirewall(pod, waits=10**9)
    with pytest.raises(TimeoutError, match="kube-router has no rules for space/it"):
        wait_for_rules(pod, ADDRESS, stuck)
    with pytest.raises(TimeoutError):
        wait_for_rules(replace(pod, state={}), ADDRESS, stuck)  # the kubelet has not reported the pod
