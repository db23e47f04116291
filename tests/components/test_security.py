"""Phase 5: a default-deny, and one exception for each pair that talks."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from components.security import ingress_policy
from infra.plan.egress_rules import egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import planned

Find = Callable[[str, str], dict[str, Any]]


def test_nothing_is_let_in_or_out_by_default(forge_object: Find) -> None:
    assert forge_object("NetworkPolicy", "default-deny")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


@pytest.mark.parametrize(
    ("name", "port", "callers"),
    [
        ("ollama", 11434, ["synapse-gateway", "blackbox-exporter"]),
        ("vllm-inference", 8000, ["synapse-gateway", "prometheus"]),
        ("speaches-stt", 8000, ["synapse-gateway", "blackbox-exporter"]),
        ("piper-tts", 8000, ["synapse-gateway", "blackbox-exporter"]),
        ("prometheus", 9090, ["grafana"]),
        ("alertmanager", 9093, ["prometheus", "grafana"]),
        ("grafana", 3000, ["prometheus"]),
        ("blackbox-exporter", 9115, ["prometheus"]),
        ("dcgm-exporter", 9400, ["prometheus"]),
        ("kube-state-metrics", 8080, ["prometheus"]),
        ("node-exporter", 9100, ["prometheus"]),
    ],
)
def test_a_service_is_open_to_what_calls_or_watches_it(
    forge_object: Find, name: str, port: int, callers: list[str]
) -> None:
    spec = forge_object("NetworkPolicy", f"allow-{name}")["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    (rule,) = spec["ingress"]
    assert [peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in rule["from"]] == callers
    assert rule["ports"] == [{"port": port, "protocol": "TCP"}]


def test_what_nobody_calls_is_shut() -> None:
    alone = next(each for each in ingress_rules(planned().services) if each.service.name == "ollama")
    assert ingress_policy(replace(alone, callers=())).get("ingress") == []


def ways_out(found: dict[str, Any]) -> set[tuple[str, int]]:
    """Where a policy lets its pods go: the name of pods, an address block, or anywhere; and the port."""
    return {
        (_target(peer), port["port"])
        for rule in found["spec"]["egress"]
        for peer in rule.get("to", [{}])
        for port in rule["ports"]
    }


def _target(peer: dict[str, Any]) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    chosen = peer.get("podSelector", {}).get("matchLabels", {})
    return next(iter(chosen.values()), "anywhere")


DNS = {("kube-dns", 53)}
WORLD = {("0.0.0.0/0", 443), ("::/0", 443)}


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("ollama", WORLD),
        ("vllm-inference", WORLD),
        ("speaches-stt", WORLD),
        ("synapse-gateway", {("ollama", 11434), ("vllm-inference", 8000), ("speaches-stt", 8000), ("piper-tts", 8000)}),
        ("grafana", {("prometheus", 9090), ("alertmanager", 9093)}),
        ("alertmanager", set()),
        ("dcgm-exporter", set()),
        ("node-exporter", set()),
        ("kube-state-metrics", {("anywhere", 443), ("anywhere", 6443)}),
    ],
)
def test_a_pod_gets_out_to_what_it_calls_alone(forge_object: Find, name: str, out: set[tuple[str, int]]) -> None:
    found = forge_object("NetworkPolicy", f"allow-{name}-egress")
    assert found["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    assert found["spec"]["policyTypes"] == ["Egress"]
    assert ways_out(found) == DNS | out


def test_the_internet_has_no_private_address(forge_object: Find) -> None:
    rules = forge_object("NetworkPolicy", "allow-ollama-egress")["spec"]["egress"]
    blocks = [ip_network(peer["ipBlock"]["cidr"]) for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    kept = [
        ip_network(block)
        for rule in rules
        for peer in rule["to"]
        for block in peer.get("ipBlock", {}).get("except", ())
    ]
    assert {block.version for block in blocks} == {4, 6}
    for private in ("10.42.0.9", "10.43.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "fd00::1", "fe80::1"):
        assert any(ip_address(private) in block for block in kept), private
    assert not any(ip_address("8.8.8.8") in block for block in kept)


def test_what_one_pod_calls_lets_that_pod_in() -> None:
    """Each pair is written twice, at either end: with one end alone the pair cannot talk."""
    forge = planned()
    table = ingress_rules(forge.services)
    ins = {(caller.service_name, each.service.service_name) for each in table for caller in each.callers}
    outs = {(each.name, callee.service_name) for each in egress_rules(forge, table) for callee in each.callees}
    assert ins == outs
    assert ("prometheus", "synapse-gateway") in outs


def test_alerts_get_out_to_their_receiver() -> None:
    forge = planned("monitoring.webhook", "http://pager.ops.svc:9000/alerts")
    (alertmanager,) = (
        each for each in egress_rules(forge, ingress_rules(forge.services)) if each.name == "alertmanager"
    )
    assert alertmanager.anywhere == (9000,)


@pytest.mark.parametrize(
    ("section", "ports"),
    [({}, (443, 8443)), ({"address": "edge.net.svc:9443"}, (8443, 9443))],
)
def test_the_prober_gets_out_to_the_ingress(section: dict[str, str], ports: tuple[int, ...]) -> None:
    forge = planned("ingress", {"host": "llm.example.org", "tlsSecret": "llm-tls", **section})
    (prober,) = (
        each for each in egress_rules(forge, ingress_rules(forge.services)) if each.name == "blackbox-exporter"
    )
    assert prober.anywhere == ports


def test_who_changes_a_deployment_gets_out_to_the_api_server() -> None:
    policies = {found["metadata"]["name"]: found for found in manifests(plan(load("forge-llamacpp")))}
    assert ("anywhere", 6443) in ways_out(policies["allow-synapse-gateway-egress"])
    assert ("anywhere", 6443) not in ways_out(policies["allow-llama-router-egress"])


def test_the_gateway_is_open_to_every_namespace(forge_object: Find) -> None:
    (rule,) = forge_object("NetworkPolicy", "allow-synapse-gateway")["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {}}]


def test_policies_wait_for_phase_5() -> None:
    kinds = {found["kind"] for found in manifests(planned("phase", 4))}
    assert "NetworkPolicy" not in kinds
