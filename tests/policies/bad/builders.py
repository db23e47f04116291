"""Builders of bad programs: hardened objects with one fault."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.annotations import TIER, TIMEOUT_SECONDS
from tests.policies.run_pack import NAMESPACE, Resource, container, thing, workload


@dataclass(frozen=True, kw_only=True)
class Bad:
    """One program that *rule* refuses, with *fragment* in the message; the rules in *also* refuse it too."""

    rule: str
    name: str
    resources: tuple[Resource, ...]
    fragment: str
    also: frozenset[str] = frozenset()


def bad(rule: str, name: str, fragment: str, *resources: Resource, also: str = "") -> Bad:
    namespaced = tuple(placed(resource) for resource in resources)
    return Bad(rule=rule, name=name, resources=namespaced, fragment=fragment, also=frozenset(also.split()))


def server(
    name: str,
    *,
    kind: str = "Deployment",
    pod: Mapping[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Resource:
    """Return a hardened workload of one small container, with other *fields* of the container and of its *pod*."""
    containers = {"containers": [small(**fields)]}
    return workload(kind, {**containers, **(pod or {})}, name=name, annotations=annotations, **(spec or {}))


def small(memory: str | None = "1Mi", cpu: str | None = "1m", gpus: int = 0, **fields: Any) -> dict[str, Any]:
    return container(memory, cpu, gpus, **fields)


def context(**fields: Any) -> dict[str, Any]:
    """Return the security context of a hardened container with *fields* changed; None removes a field."""
    context = copy.deepcopy(small()["securityContext"]) | fields
    return {key: value for key, value in context.items() if value is not None}


def pod_context(**fields: Any) -> dict[str, Any]:
    """Return the security context of a hardened pod with *fields* changed; None removes a field."""
    whole = {"runAsNonRoot": True, "runAsUser": 10_000, "runAsGroup": 10_000} | {
        "seccompProfile": {"type": "RuntimeDefault"}
    }
    return {"securityContext": {key: value for key, value in (whole | fields).items() if value is not None}}


def variable(name: str, value: str) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value}]}


def service(name: str, **spec: Any) -> Resource:
    return thing("Service", {"selector": {"app": name}, "ports": [{"port": 80}], **spec}, name=name)


def placed(resource: Resource) -> Resource:
    token, props = copy.deepcopy(resource)
    if props.get("kind") != "Namespace" and "metadata" in props:
        props["metadata"].setdefault("namespace", NAMESPACE)
    return token, props


def patched(resource: Resource) -> Resource:
    token, props = resource
    return f"{token}Patch", props


def moved(namespace: str, resource: Resource) -> Resource:
    """Return *resource* in another namespace."""
    token, props = copy.deepcopy(resource)
    props["metadata"]["namespace"] = namespace
    return token, props


def denied(app: str) -> Resource:
    """Return a NetworkPolicy that denies all connections of the workload *app*."""
    spec = {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress", "Egress"]}
    return thing("NetworkPolicy", spec, name=f"{app}-denied")


def waits(tier: str, seconds: int) -> dict[str, str]:
    return {TIER: tier, TIMEOUT_SECONDS: str(seconds)}


def disruption(name: str, app: str, **spec: Any) -> Resource:
    """Return a PodDisruptionBudget of the workload *app*."""
    return thing("PodDisruptionBudget", {"selector": {"matchLabels": {"app": app}}, **spec}, name=name)
