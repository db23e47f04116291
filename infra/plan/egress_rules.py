"""Egress rules: the services that pods may call, the internet for models, and the API server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.plan.fetching import FetchPlan
from infra.plan.ingress_rules import IngressRule
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

HTTPS = 443
TRAEFIK_PODS = 8443
"""Container port of K3s' Traefik: some network plugins apply a policy after they translate the Service's address."""
WORKER = "synapse-models"
"""Name of the pods with which `synapse models` downloads a model, whichever service it is for."""
SCHEMES = {"http": 80, "https": HTTPS}


@dataclass(frozen=True, kw_only=True)
class EgressRule:
    """Allowed destinations of the pods with the label *name*, beside the cluster's DNS."""

    name: str
    callees: tuple[ServicePlan, ...] = ()
    internet: bool = False  # HTTPS to public addresses
    anywhere: tuple[int, ...] = ()  # TCP ports open towards any address
    api_server: bool = False


def egress_rules(plan: Plan, ingress: Sequence[IngressRule]) -> tuple[EgressRule, ...]:
    """Return the rules of every service, of the pods that download models, and of those that restart a service."""
    rules = [_rule(service, plan, ingress) for service in plan.services]
    rules += [_fetch_rule(service, service.fetch) for service in plan.services if service.fetch]
    if any(rule.internet for rule in rules):
        rules.append(EgressRule(name=WORKER, internet=True))
    restarts = [service.backend.restart for service in plan.services]
    return (*rules, *(EgressRule(name=restart.name, api_server=True) for restart in restarts if restart))


def changes_deployments(service: ServicePlan, services: Sequence[ServicePlan]) -> bool:
    """Return True for the gateway of a backend whose context size it sets in the backend's Deployment."""
    return service.backend.adapter == "synapse" and any(each.backend.gateway_sets_context for each in services)


def _rule(service: ServicePlan, plan: Plan, ingress: Sequence[IngressRule]) -> EgressRule:
    backend = service.backend
    return EgressRule(
        name=service.service_name,
        callees=tuple(rule.service for rule in ingress if service in rule.callers),
        internet=backend.fetches,
        anywhere=tuple(sorted(set(_named_ports(service, plan)))),
        api_server=backend.reads_cluster or changes_deployments(service, plan.services),
    )


def _fetch_rule(service: ServicePlan, fetch: FetchPlan) -> EgressRule:
    """Return the rule of a Job's pods: files are on the internet, and models are pulled by the service itself."""
    return EgressRule(name=fetch.name, callees=(service,) if fetch.models else (), internet=bool(fetch.files))


def _named_ports(service: ServicePlan, plan: Plan) -> Iterator[int]:
    """Yield the ports of addresses in the stack file: receivers of alerts and spans, and the ingress."""
    settings, urls = plan.settings, list(service.options.called_urls)
    if service.backend.calls == "ingress" and settings.ingress:
        yield from (int(settings.ingress.reached_at.rpartition(":")[2]), TRAEFIK_PODS)
    if service.backend.calls == "webhook" and settings.monitoring.webhook:
        urls.append(settings.monitoring.webhook)
    for url in map(urlsplit, urls):
        yield url.port or SCHEMES[url.scheme]
