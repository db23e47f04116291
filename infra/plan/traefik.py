"""What Traefik is told: the router's annotations, its middlewares, and the limits of K3s' own installation of it."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from infra.plan.timeouts import annotations as timeout_annotations
from infra.settings.schema import TRAEFIK, IngressSection

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
"""As strict as the dashboard's own, and without a Content-Security-Policy: only a page knows what it needs."""
IDLE_S: Final = 180
"""Traefik's own figure for a connection between two requests; one that waits for an answer is not idle."""
IPV6_SUBNET: Final = 64
"""What a subscriber is given: who has one has 2^64 addresses, and still one share."""


def annotations(section: IngressSection, namespace: str) -> dict[str, str]:
    """Everything that the Ingress says beside its spec, to Traefik, to cert-manager and to the policies."""
    issuer = {ISSUER: section.issuer} if section.issuer else {}
    return {**_router(section, namespace), **issuer, **timeout_annotations("ingress", section.timeout_s)}


def middlewares(section: IngressSection) -> dict[str, dict[str, Any]]:
    """Name -> spec, from the outside in: a refusal carries the headers, and a flood takes nobody's place in flight."""
    found: dict[str, dict[str, Any]] = {}
    if section.class_name != TRAEFIK:
        return found
    if section.security_headers:
        found["security-headers"] = {"headers": dict(HEADERS)}
    if limit := section.rate_limit:
        source = {"ipStrategy": {"ipv6Subnet": IPV6_SUBNET}}
        found["rate-limit"] = {"rateLimit": {**limit.model_dump(), "sourceCriterion": source}}
    if section.in_flight:
        everybody = {"requestHost": True}
        found["in-flight"] = {"inFlightReq": {"amount": section.in_flight, "sourceCriterion": everybody}}
    return found


def chart_values(section: IngressSection) -> str:
    """Values of Traefik's chart, as YAML: limits for long uploads and streams, and clients that keep their address."""
    timeouts = {"readTimeout": f"{section.timeout_s}s", "writeTimeout": "0s", "idleTimeout": f"{IDLE_S}s"}
    values = {
        "ports": {ENTRY_POINT: {"transport": {"respondingTimeouts": timeouts}}},
        "service": {"spec": {"externalTrafficPolicy": "Local"}},
    }
    return yaml.safe_dump(values, sort_keys=False)


def _router(section: IngressSection, namespace: str) -> dict[str, str]:
    """TLS is asked for by name: Traefik does not conclude it from the spec."""
    if section.class_name != TRAEFIK:
        return {}
    chain = ",".join(f"{namespace}-{name}@kubernetescrd" for name in middlewares(section))
    bound = {f"{ROUTER}.middlewares": chain} if chain else {}
    return {f"{ROUTER}.entrypoints": ENTRY_POINT, f"{ROUTER}.tls": "true", **bound}
