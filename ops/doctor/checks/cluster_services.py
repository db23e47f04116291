"""Services of the cluster that a stack uses and does not bring: storage classes, DNS and the ingress controller."""

from collections.abc import Iterator

from infra.catalog.gateway import GATEWAY_KINDS
from infra.plan.stack import Plan
from infra.plan.traefik import CHART_NAMESPACE
from infra.plan.traefik_limits import limits
from infra.settings.schema import TRAEFIK
from ops.doctor.check import NodeCheck, Verdict, failure, missing, ok, warning
from ops.doctor.facts import NodeFacts

READ_TIMEOUT_S = 60
"""Traefik's own limit for the upload of a request, where nothing else is set: docs/timeouts.md."""


def storage_class(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    name = plan.settings.node.storage_class
    if name in facts.storage_classes:
        yield ok(f"StorageClass {name} by {facts.storage_classes[name]}")
    else:
        do = "set synapse:node.storageClass to an existing one"
        yield missing("StorageClass", name, facts.storage_classes, do)


def dns(facts: NodeFacts, _: Plan) -> Iterator[Verdict]:
    """Check CoreDNS: services address each other by name only."""
    ready = sum(facts.dns_pods)
    if ready:
        yield ok(f"{ready} of {len(facts.dns_pods)} pods of CoreDNS are ready")
    else:
        state = f"none of its {len(facts.dns_pods)} pods is ready" if facts.dns_pods else "it has no pod"
        yield failure(f"the cluster's DNS: {state}", "see `kubectl -n kube-system describe pods -l k8s-app=kube-dns`")


def ingress_class(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    ingress = plan.settings.ingress
    if ingress is None:
        return
    if ingress.class_name in facts.ingress_classes:
        yield ok(f"IngressClass {ingress.class_name}")
    else:
        do = "set synapse:ingress.className to an existing one; K3s without --disable=traefik brings traefik"
        yield missing("IngressClass", ingress.class_name, facts.ingress_classes, do)


def traefik(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that no timeout of Traefik is shorter than the gateway's longest request."""
    ingress = plan.settings.ingress
    if ingress is None or ingress.class_name != TRAEFIK:
        return
    if ingress.helm_chart_config:
        yield ok("the stack sets Traefik's timeouts")
        return
    needed = max((each.timeout_s for each in plan.services if each.backend.kind in GATEWAY_KINDS), default=0)
    do = f"set synapse:ingress.helmChartConfig: true, or timeouts of 0s or {ingress.timeout_s}s: docs/timeouts.md"
    if facts.traefik is None:
        yield warning(f"Traefik ends an upload after {READ_TIMEOUT_S} s: it has no HelmChartConfig", do)
        return
    short = [each for each in limits(facts.traefik) if each.seconds is None or each.seconds < needed]
    for limit in short:
        yield failure(f"{limit.key}: {limit.value}, and the gateway takes up to {needed} s", do)
    if not short:
        yield ok(f"no timeout of the HelmChartConfig in {CHART_NAMESPACE} is shorter than the gateway's {needed} s")


CHECKS = (
    NodeCheck(name="storage class", run=storage_class, scope="cluster"),
    NodeCheck(name="DNS", run=dns, scope="cluster"),
    NodeCheck(name="ingress class", run=ingress_class, scope="cluster"),
    NodeCheck(name="Traefik timeouts", run=traefik, scope="cluster"),
)
