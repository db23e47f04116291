"""Settings of Traefik: annotations of the router, middlewares, and the limits of K3s' installation."""

from collections.abc import Mapping
from typing import Any, Final

from infra.plan.timeouts import annotations as timeout_annotations
from infra.settings.schema import TRAEFIK, IngressSection
from infra.yaml_text import yaml_text

API: Final = "traefik.io/v1alpha1"
CHART_API: Final = "helm.cattle.io/v1"
CHART_NAMESPACE: Final = "kube-system"
ISSUER: Final = "cert-manager.io/cluster-issuer"
ROUTER: Final = "traefik.ingress.kubernetes.io/router"
ENTRY_POINT: Final = "websecure"
HEADERS: Final[Mapping[str, Any]] = {
    "stsSeconds": 31_536_000,
    "contentTypeNosniff": True,
    "frameDeny": True,
    "referrerPolicy": "no-referrer",
}
"""The same as the dashboard's, without a Content-Security-Policy, which depends on the page."""
IDLE_S: Final = 180
"""Traefik's default for a connection between two requests; a connection that waits for a response is not idle."""
IPV6_SUBNET: Final = 64
"""Prefix length of one subscriber, who has 2^64 addresses and counts as one client."""


def annotations(section: IngressSection, namespace: str) -> dict[str, str]:
    """Return the annotations of the Ingress for Traefik, cert-manager and the policies."""
    issuer = {ISSUER: section.issuer} if section.issuer else {}
    return {**_router(section, namespace), **issuer, **timeout_annotations("ingress", section.timeout_s)}


def middlewares(section: IngressSection) -> dict[str, dict[str, Any]]:
    """Return name -> spec, from the outside in: refusals have the headers, and excess requests are not in flight."""
    specs: dict[str, dict[str, Any]] = {}
    if section.class_name != TRAEFIK:
        return specs
    if section.security_headers:
        specs["security-headers"] = {"headers": dict(HEADERS)}
    if limit := section.rate_limit:
        source = {"ipStrategy": {"ipv6Subnet": IPV6_SUBNET}}
        specs["rate-limit"] = {"rateLimit": {**limit.model_dump(), "sourceCriterion": source}}
    if section.in_flight:
        all_clients = {"requestHost": True}
        specs["in-flight"] = {"inFlightReq": {"amount": section.in_flight, "sourceCriterion": all_clients}}
    return specs


def chart_values(section: IngressSection) -> str:
    """Return values of Traefik's chart, as YAML: timeouts for long uploads and streams, and client addresses kept."""
    timeouts = {"readTimeout": f"{section.timeout_s}s", "writeTimeout": "0s", "idleTimeout": f"{IDLE_S}s"}
    values = {
        "ports": {ENTRY_POINT: {"transport": {"respondingTimeouts": timeouts}}},
        "service": {"spec": {"externalTrafficPolicy": "Local"}},
    }
    return yaml_text(values)


def _router(section: IngressSection, namespace: str) -> dict[str, str]:
    """Return the router's annotations; Traefik does not enable TLS from the spec alone."""
    if section.class_name != TRAEFIK:
        return {}
    chain = ",".join(f"{namespace}-{name}@kubernetescrd" for name in middlewares(section))
    chained = {f"{ROUTER}.middlewares": chain} if chain else {}
    return {f"{ROUTER}.entrypoints": ENTRY_POINT, f"{ROUTER}.tls": "true", **chained}
