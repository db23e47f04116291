"""NetworkPolicies (phase 5): a default deny, and a rule for each allowed connection."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from components.security import ingress_policy
from infra.labels import NAME_LABEL
from infra.plan.egress_rules import egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import config_of, planned, settings_of

Find = Callable[[str, str], dict[str, Any]]


def test_all_connections_are_denied_by_default(forge_object: Find) -> None:
    assert forge_object("NetworkPolicy", "default-deny")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


@pytest.mark.parametrize(
    ("name", "port", "callers"),
    [
        ("ollama", 11434, ["synapse-gateway", "blackbox-exporter", "ollama-models"]),
        ("vllm-inference", 8000, ["synapse-gateway", "prometheus"]),
        ("speaches-stt", 8000, ["synapse-gateway", "blackbox-exporter"]),
        ("kokoro-tts", 8000, ["synapse-gateway", "blackbox-exporter"]),
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
def test_ingress_of_a_service_is_limited_to_its_callers(
    forge_object: Find, name: str, port: int, callers: list[str]
) -> None:
    spec = forge_object("NetworkPolicy", f"allow-{name}")["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    (rule,) = spec["ingress"]
    assert [peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in rule["from"]] == callers
    assert rule["ports"] == [{"port": port, "protocol": "TCP"}]


def test_a_service_without_callers_denies_all() -> None:
    alone = next(each for each in ingress_rules(planned().services) if each.service.name == "ollama")
    assert ingress_policy(replace(alone, callers=(), pods=())).get("ingress") == []


def egress(policy: dict[str, Any]) -> set[tuple[str, int]]:
    """Return the allowed destinations of a policy: the name of pods, an address block, or anywhere; with the port."""
    return {
        (_target(peer), port["port"])
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", [{}])
        for port in rule["ports"]
    }


def _target(peer: dict[str, Any]) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    return next(iter(labels.values()), "anywhere")


DNS = {("kube-dns", 53)}
LLAMA = ("llama-embed-models", "llama-router-models")
AUDIO = ("pyannote-speaker-models", "deepfilter-audio-models")
WORLD = {("0.0.0.0/0", 443), ("::/0", 443)}


@pytest.mark.parametrize(
    ("name", "destinations"),
    [
        ("ollama", WORLD),
        ("vllm-inference", WORLD),
        ("speaches-stt", set()),
        ("kokoro-tts", set()),
        ("piper-tts", set()),
        (
            "synapse-gateway",
            {
                *{("ollama", 11434), ("vllm-inference", 8000)},
                *{("speaches-stt", 8000), ("kokoro-tts", 8000), ("piper-tts", 8000)},
            },
        ),
        ("grafana", {("prometheus", 9090), ("alertmanager", 9093)}),
        ("alertmanager", set()),
        ("dcgm-exporter", set()),
        ("node-exporter", set()),
        ("kube-state-metrics", {("anywhere", 443), ("anywhere", 6443)}),
    ],
)
def test_egress_of_a_pod_is_limited_to_its_callees(
    forge_object: Find, name: str, destinations: set[tuple[str, int]]
) -> None:
    policy = forge_object("NetworkPolicy", f"allow-{name}-egress")
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    assert policy["spec"]["policyTypes"] == ["Egress"]
    assert egress(policy) == DNS | destinations


@pytest.mark.parametrize("phase", [5, 6])
@pytest.mark.parametrize(
    ("stack", "destinations"),
    [
        ("forge-llamacpp", dict.fromkeys((*LLAMA, *AUDIO, "chatterbox-tts-models", "whisper-stt-models"), WORLD)),
        (
            "forge",
            {
                "ollama-models": {("ollama", 11434)},
                **dict.fromkeys(("speaches-stt-models", "kokoro-tts-models", "piper-tts-models"), WORLD),
            },
        ),
        (
            "local",
            dict.fromkeys(
                (*LLAMA, *AUDIO, "chatterbox-tts-models", "whisper-stt-models", "piper-tts-models"),
                WORLD,
            ),
        ),
    ],
)
def test_a_job_reaches_the_internet_or_the_server_that_pulls(
    stack: str, destinations: dict[str, set[tuple[str, int]]], phase: int
) -> None:
    """The server of files that a Job has fetched reaches nothing any more."""
    objects = manifests(plan(settings_of(config_of(stack) | {"synapse:phase": phase})))
    policies = {item["metadata"]["name"]: item for item in objects if item["kind"] == "NetworkPolicy"}
    jobs = {item["spec"]["template"]["metadata"]["labels"][NAME_LABEL] for item in objects if item["kind"] == "Job"}
    assert jobs == destinations.keys()
    for name, allowed in destinations.items():
        policy = policies[f"allow-{name}-egress"]
        assert policy["spec"]["podSelector"]["matchLabels"] == {NAME_LABEL: name}
        assert egress(policy) == DNS | allowed
        assert allowed == {("ollama", 11434)} or egress(policies[f"allow-{name[:-7]}-egress"]) == DNS


def test_ollama_lets_the_pods_of_its_job_in(forge_object: Find) -> None:
    (rule,) = forge_object("NetworkPolicy", "allow-ollama")["spec"]["ingress"]
    assert {"podSelector": {"matchLabels": {NAME_LABEL: "ollama-models"}}} in rule["from"]


def test_the_internet_has_no_private_address(forge_object: Find) -> None:
    rules = forge_object("NetworkPolicy", "allow-ollama-egress")["spec"]["egress"]
    blocks = [ip_network(peer["ipBlock"]["cidr"]) for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    excluded = [
        ip_network(block)
        for rule in rules
        for peer in rule["to"]
        for block in peer.get("ipBlock", {}).get("except", ())
    ]
    assert {block.version for block in blocks} == {4, 6}
    for private in ("10.42.0.9", "10.43.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "fd00::1", "fe80::1"):
        assert any(ip_address(private) in block for block in excluded), private
    assert not any(ip_address("8.8.8.8") in block for block in excluded)


def test_every_egress_rule_has_its_ingress_rule() -> None:
    """A connection needs both rules."""
    forge = planned()
    table = ingress_rules(forge.services)
    ingress_pairs = {(caller.service_name, each.service.service_name) for each in table for caller in each.callers}
    ingress_pairs |= {(name, each.service.service_name) for each in table for name in each.pods}
    egress_pairs = {(each.name, callee.service_name) for each in egress_rules(forge, table) for callee in each.callees}
    assert ingress_pairs == egress_pairs
    assert {("prometheus", "synapse-gateway"), ("ollama-models", "ollama")} <= egress_pairs


def test_alertmanager_may_reach_its_webhook() -> None:
    forge = planned("monitoring.webhook", "http://pager.ops.svc:9000/alerts")
    (alertmanager,) = (
        each for each in egress_rules(forge, ingress_rules(forge.services)) if each.name == "alertmanager"
    )
    assert alertmanager.anywhere == (9000,)


@pytest.mark.parametrize(
    ("section", "ports"),
    [({}, (443, 8443)), ({"address": "edge.net.svc:9443"}, (8443, 9443))],
)
def test_the_blackbox_exporter_may_reach_the_ingress(section: dict[str, str], ports: tuple[int, ...]) -> None:
    forge = planned("ingress", {"host": "llm.example.org", "tlsSecret": "llm-tls", **section})
    (exporter,) = (
        each for each in egress_rules(forge, ingress_rules(forge.services)) if each.name == "blackbox-exporter"
    )
    assert exporter.anywhere == ports


def test_a_gateway_that_changes_a_deployment_may_reach_the_api_server() -> None:
    policies = {item["metadata"]["name"]: item for item in manifests(plan(load("forge-llamacpp")))}
    assert ("anywhere", 6443) in egress(policies["allow-synapse-gateway-egress"])
    assert ("anywhere", 6443) not in egress(policies["allow-llama-router-egress"])


def test_the_gateway_is_open_to_every_namespace(forge_object: Find) -> None:
    (rule,) = forge_object("NetworkPolicy", "allow-synapse-gateway")["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {}}]


def test_there_are_no_policies_before_phase_5() -> None:
    kinds = {item["kind"] for item in manifests(planned("phase", 4))}
    assert "NetworkPolicy" not in kinds
