"""Services of the cluster that a stack uses and does not bring: storage classes, DNS and the ingress controller."""

from collections.abc import Iterator

from infra.catalog.gateway import GATEWAY_KINDS
from infra.plan.stack import Plan
from infra.plan.traefik import CHART_NAMESPACE
from infra.plan.traefik_limits import limits
from infra.settings.schema import TRAEFIK
from ops.doctor.check import NodeCheck, Verdict, failure, missing, ok, warning
from ops.doctor.facts import LOCAL_PATH_PODS, NodeFacts

LOCAL_PATH = "rancher.io/local-path"
READ_TIMEOUT_S = 60
"""Traefik's own limit for the upload of a request, where nothing else is set: docs/timeouts.md."""


def storage_class(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the class is there and, where K3s' own provisioner makes its volumes, that it runs."""
    name = plan.settings.node.storage_class
    provisioner = facts.storage_classes.get(name)
    if provisioner is None:
        do = "set synapse:node.storageClass to an existing one"
        yield missing("StorageClass", name, facts.storage_classes, do)
    elif provisioner == LOCAL_PATH and not any(facts.provisioners.values()):
        state = f"none of its {len(facts.provisioners)} pods is ready" if facts.provisioners else "it has no pod"
        yield failure(
            f"StorageClass {name}, and its provisioner does not run: {state}",
            f"see `kubectl get pods -A -l {LOCAL_PATH_PODS}`; K3s without --disable=local-storage brings it",
        )
    else:
        yield ok(f"StorageClass {name} by {provisioner}")


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
