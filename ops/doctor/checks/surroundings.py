"""What a stack finds on its cluster and does not bring: disks, names, and the way in."""

from collections.abc import Iterator

from infra.catalog.gateway import GATEWAY_KINDS
from infra.plan.stack import Plan
from infra.plan.traefik import CHART_NAMESPACE
from infra.plan.traefik_limits import limits
from infra.settings.schema import TRAEFIK
from ops.doctor.check import Check, Verdict, failure, missing, warning, well
from ops.doctor.facts import Facts

READ_TIMEOUT_S = 60
"""What Traefik gives a request to arrive where nothing else is set: docs/timeouts.md."""


def storage_class(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    name = plan.settings.node.storage_class
    if name in facts.storage_classes:
        yield well(f"StorageClass {name} by {facts.storage_classes[name]}")
    else:
        do = "set synapse:node.storageClass to one that is there"
        yield missing("StorageClass", name, facts.storage_classes, do)


def names(facts: Facts, _: Plan) -> Iterator[Verdict]:
    """CoreDNS: services know each other by name only."""
    ready = sum(facts.dns_pods)
    if ready:
        yield well(f"{ready} of {len(facts.dns_pods)} pods of CoreDNS are ready")
    else:
        found = f"none of its {len(facts.dns_pods)} pods is ready" if facts.dns_pods else "it has no pod"
        yield failure(f"the cluster's DNS: {found}", "see `kubectl -n kube-system describe pods -l k8s-app=kube-dns`")


def ingress(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    section = plan.settings.ingress
    if section is None:
        return
    if section.class_name in facts.ingress_classes:
        yield well(f"IngressClass {section.class_name}")
    else:
        do = "set synapse:ingress.className to one that is there; K3s without --disable=traefik brings traefik"
        yield missing("IngressClass", section.class_name, facts.ingress_classes, do)


def traefik(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """No limit of Traefik's that is shorter than what a request may take."""
    section = plan.settings.ingress
    if section is None or section.class_name != TRAEFIK:
        return
    if section.helm_chart_config:
        yield well("the stack sets Traefik's timeouts")
        return
    needed = max((each.timeout_s for each in plan.services if each.backend.kind in GATEWAY_KINDS), default=0)
    add = f"set synapse:ingress.helmChartConfig: true, or 0s or {section.timeout_s}s there: docs/timeouts.md"
    if facts.traefik is None:
        yield warning(f"Traefik ends an upload after {READ_TIMEOUT_S} s: it has no HelmChartConfig", add)
        return
    short = [each for each in limits(facts.traefik) if each.seconds is None or each.seconds < needed]
    for limit in short:
        yield failure(f"{limit.key}: {limit.value}, and the gateway takes up to {needed} s", add)
    if not short:
        yield well(f"the HelmChartConfig in {CHART_NAMESPACE} leaves requests their time")


CHECKS = (
    Check(name="storage class", look=storage_class, of="cluster"),
    Check(name="DNS", look=names, of="cluster"),
    Check(name="ingress class", look=ingress, of="cluster"),
    Check(name="Traefik timeouts", look=traefik, of="cluster"),
)
