"""The way in from outside: one host, its certificate, and what Traefik is told to do about its requests."""

from typing import Any

import pytest
import yaml

from infra.errors import SettingsError
from infra.plan.traefik_limits import limits
from stacks.rendering import manifests
from tests.conftest import changed, planned, settings_of

ROUTER = "traefik.ingress.kubernetes.io/router"
WAY_IN = {"Ingress", "Middleware", "HelmChartConfig"}


def way_in(**section: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What is made of a `synapse:ingress`, by kind and name."""
    whole = {"host": "llm.example.org", "tlsSecret": "llm-tls", **section}
    found = [each for each in manifests(planned("ingress", whole)) if each["kind"] in WAY_IN]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def notes(**section: Any) -> dict[str, str]:
    found: dict[str, str] = way_in(**section)["Ingress", "synapse-gateway"]["metadata"]["annotations"]
    return found


def test_every_path_of_the_host_leads_to_the_gateway_by_tls() -> None:
    found = way_in()["Ingress", "synapse-gateway"]["spec"]
    backend = {"service": {"name": "synapse-gateway", "port": {"number": 8000}}}
    assert found == {
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


def test_answers_are_strict_by_default_and_nothing_is_limited() -> None:
    found = way_in()
    assert set(found) == {("Ingress", "synapse-gateway"), ("Middleware", "security-headers")}
    assert set(found["Middleware", "security-headers"]["spec"]) == {"headers"}
    assert notes()[f"{ROUTER}.middlewares"] == "llm-infra-security-headers@kubernetescrd"


def test_the_headers_may_be_left_to_somebody_else() -> None:
    assert set(way_in(securityHeaders=False)) == {("Ingress", "synapse-gateway")}
    assert f"{ROUTER}.middlewares" not in notes(securityHeaders=False)


def test_limits_are_bound_from_the_outside_in() -> None:
    section = {"rateLimit": {"average": 5, "burst": 9}, "inFlight": 7}
    found = way_in(**section)
    assert found["Middleware", "rate-limit"]["spec"]["rateLimit"] == {
        "average": 5,
        "burst": 9,
        "sourceCriterion": {"ipStrategy": {"ipv6Subnet": 64}},
    }
    flying = found["Middleware", "in-flight"]["spec"]["inFlightReq"]
    assert flying == {"amount": 7, "sourceCriterion": {"requestHost": True}}
    chain = notes(**section)[f"{ROUTER}.middlewares"].split(",")
    assert chain == [f"llm-infra-{name}@kubernetescrd" for name in ("security-headers", "rate-limit", "in-flight")]


def test_an_issuer_is_named_to_cert_manager() -> None:
    assert notes(issuer="letsencrypt")["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert not [key for key in notes() if key.startswith("cert-manager")]


def test_the_installation_of_k3s_is_given_the_same_limit() -> None:
    found = way_in(helmChartConfig=True, timeoutS=900)["HelmChartConfig", "traefik"]
    assert found["apiVersion"] == "helm.cattle.io/v1"
    assert found["metadata"]["namespace"] == "kube-system"
    values = yaml.safe_load(found["spec"]["valuesContent"])
    timeouts = values["ports"]["websecure"]["transport"]["respondingTimeouts"]
    assert timeouts == {"readTimeout": "900s", "writeTimeout": "0s", "idleTimeout": "180s"}
    assert values["service"]["spec"]["externalTrafficPolicy"] == "Local"


def test_another_class_knows_nothing_of_traefik() -> None:
    assert set(way_in(className="nginx")) == {("Ingress", "synapse-gateway")}
    assert not [key for key in notes(className="nginx") if "traefik" in key]


@pytest.mark.parametrize(
    "key", [{"rateLimit": {"average": 1, "burst": 1}}, {"inFlight": 1}, {"helmChartConfig": True}], ids=str
)
def test_another_class_cannot_limit(key: dict[str, Any]) -> None:
    section = {"host": "llm.example.org", "tlsSecret": "llm-tls", "className": "nginx", **key}
    with pytest.raises(SettingsError, match="with className traefik, and without them otherwise"):
        settings_of(changed("ingress", section))


def test_there_is_no_way_in_before_phase_5_or_without_a_name() -> None:
    for plan in (planned("phase", 4), planned("ingress", None)):
        assert not {found["kind"] for found in manifests(plan)} & WAY_IN


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
