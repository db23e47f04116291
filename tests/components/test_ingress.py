"""Ingress: one host, its certificate, and Traefik's middlewares."""

from typing import Any

import pytest
import yaml

from infra.errors import SettingsError
from infra.plan.traefik_limits import limits
from stacks.rendering import manifests
from tests.conftest import changed, planned, settings_of

ROUTER = "traefik.ingress.kubernetes.io/router"
INGRESS_KINDS = {"Ingress", "Middleware", "HelmChartConfig"}


def ingress_objects(**section: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the objects of a `synapse:ingress`, by kind and name."""
    whole = {"host": "llm.example.org", "tlsSecret": "llm-tls", **section}
    rendered = [each for each in manifests(planned("ingress", whole)) if each["kind"] in INGRESS_KINDS]
    return {(each["kind"], each["metadata"]["name"]): each for each in rendered}


def notes(**section: Any) -> dict[str, str]:
    rendered: dict[str, str] = ingress_objects(**section)["Ingress", "synapse-gateway"]["metadata"]["annotations"]
    return rendered


def test_every_path_of_the_host_is_routed_to_the_gateway_with_tls() -> None:
    rendered = ingress_objects()["Ingress", "synapse-gateway"]["spec"]
    backend = {"service": {"name": "synapse-gateway", "port": {"number": 8000}}}
    assert rendered == {
        "ingressClassName": "traefik",
        "tls": [{"hosts": ["llm.example.org"], "secretName": "llm-tls"}],
        "rules": [
            {
                "host": "llm.example.org",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ],
    }
    assert notes()[f"{ROUTER}.entrypoints"] == "websecure"
    assert notes()[f"{ROUTER}.tls"] == "true"


def test_by_default_there_are_security_headers_and_no_limits() -> None:
    rendered = ingress_objects()
    assert set(rendered) == {("Ingress", "synapse-gateway"), ("Middleware", "security-headers")}
    assert set(rendered["Middleware", "security-headers"]["spec"]) == {"headers"}
    assert notes()[f"{ROUTER}.middlewares"] == "llm-infra-security-headers@kubernetescrd"


def test_the_security_headers_may_be_turned_off() -> None:
    assert set(ingress_objects(securityHeaders=False)) == {("Ingress", "synapse-gateway")}
    assert f"{ROUTER}.middlewares" not in notes(securityHeaders=False)


def test_the_middlewares_are_in_order() -> None:
    section = {"rateLimit": {"average": 5, "burst": 9}, "inFlight": 7}
    rendered = ingress_objects(**section)
    assert rendered["Middleware", "rate-limit"]["spec"]["rateLimit"] == {
        "average": 5,
        "burst": 9,
        "sourceCriterion": {"ipStrategy": {"ipv6Subnet": 64}},
    }
    flying = rendered["Middleware", "in-flight"]["spec"]["inFlightReq"]
    assert flying == {"amount": 7, "sourceCriterion": {"requestHost": True}}
    chain = notes(**section)[f"{ROUTER}.middlewares"].split(",")
    assert chain == [f"llm-infra-{name}@kubernetescrd" for name in ("security-headers", "rate-limit", "in-flight")]


def test_an_issuer_is_an_annotation_for_cert_manager() -> None:
    assert notes(issuer="letsencrypt")["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert not [key for key in notes() if key.startswith("cert-manager")]


def test_the_traefik_of_k3s_has_the_same_timeout() -> None:
    rendered = ingress_objects(helmChartConfig=True, timeoutS=900)["HelmChartConfig", "traefik"]
    assert rendered["apiVersion"] == "helm.cattle.io/v1"
    assert rendered["metadata"]["namespace"] == "kube-system"
    values = yaml.safe_load(rendered["spec"]["valuesContent"])
    timeouts = values["ports"]["websecure"]["transport"]["respondingTimeouts"]
    assert timeouts == {"readTimeout": "900s", "writeTimeout": "0s", "idleTimeout": "180s"}
    assert values["service"]["spec"]["externalTrafficPolicy"] == "Local"


def test_another_class_has_no_traefik_objects() -> None:
    assert set(ingress_objects(className="nginx")) == {("Ingress", "synapse-gateway")}
    assert not [key for key in notes(className="nginx") if "traefik" in key]


@pytest.mark.parametrize(
    "key", [{"rateLimit": {"average": 1, "burst": 1}}, {"inFlight": 1}, {"helmChartConfig": True}], ids=str
)
def test_another_class_cannot_limit(key: dict[str, Any]) -> None:
    section = {"host": "llm.example.org", "tlsSecret": "llm-tls", "className": "nginx", **key}
    with pytest.raises(SettingsError, match="with className traefik, and without them otherwise"):
        settings_of(changed("ingress", section))


def test_there_is_no_ingress_before_phase_5_or_without_a_name() -> None:
    for plan in (planned("phase", 4), planned("ingress", None)):
        assert not {rendered["kind"] for rendered in manifests(plan)} & INGRESS_KINDS


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("600s", [600]),
        (600, [600]),
        ("90", [90]),
        ("1h30m", [5400]),
        ("1.5m", [90]),
        ("900ms", [0]),
        ("soon", [None]),
        ("5 m", [None]),
        ("0s", []),
        (0, []),
        (None, []),
    ],
)
def test_durations_are_read_as_traefik_reads_them(written: object, seconds: list[int | None]) -> None:
    values = {"ports": {"web": {"transport": {"respondingTimeouts": {"writeTimeout": written}}}}}
    assert [limit.seconds for limit in limits(values)] == seconds
