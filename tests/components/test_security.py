"""Phase 5: a default-deny, one exception for each pair that talks, and TLS at the door."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.security import allow
from infra.access import access
from infra.cli.rendering import manifests
from tests.conftest import planned

Find = Callable[[str, str], dict[str, Any]]


def test_nothing_is_let_in_by_default(forge_object: Find) -> None:
    assert forge_object("NetworkPolicy", "default-deny-ingress")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress"],
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
    alone = next(each for each in access(planned().services) if each.service.name == "ollama")
    assert allow(replace(alone, callers=())).get("ingress") == []


def test_the_gateway_is_open_to_every_namespace(forge_object: Find) -> None:
    (rule,) = forge_object("NetworkPolicy", "allow-synapse-gateway")["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {}}]


def test_the_ingress_has_tls_for_its_host(forge_object: Find) -> None:
    spec = forge_object("Ingress", "synapse-gateway")["spec"]
    assert spec["tls"] == [{"hosts": ["llm.arunlabs.com"], "secretName": "llm-tls-cert"}]
    assert [rule["host"] for rule in spec["rules"]] == ["llm.arunlabs.com"]
    assert spec["ingressClassName"] == "traefik"


def test_policies_wait_for_phase_5() -> None:
    kinds = {found["kind"] for found in manifests(planned("phase", 4))}
    assert not kinds & {"NetworkPolicy", "Ingress"}


def test_without_a_public_name_there_is_no_ingress() -> None:
    kinds = {found["kind"] for found in manifests(planned("ingress", None))}
    assert "NetworkPolicy" in kinds
    assert "Ingress" not in kinds
