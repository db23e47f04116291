"""Where the pods of a service may go: to what they call, to the internet for a model, to the API server."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.plan.ingress_rules import IngressRule
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.services import GatewayService

HTTPS = 443
TRAEFIK_PODS = 8443
"""Where K3s' Traefik listens: a policy may be judged after the address of its Service is translated."""
WORKER = "synapse-models"
"""The pods that fetch a model for a service, beside the service's own."""
SCHEMES = {"http": 80, "https": HTTPS}


@dataclass(frozen=True, kw_only=True)
class EgressRule:
    """One kind of pod, by the name that its labels have, and what it may reach beside the cluster's DNS."""

    name: str
    callees: tuple[ServicePlan, ...] = ()
    internet: bool = False  # by HTTPS
    anywhere: tuple[int, ...] = ()  # ports of whatever address
    api_server: bool = False


def egress_rules(plan: Plan, access: Sequence[IngressRule]) -> tuple[EgressRule, ...]:
    """Those of every service, and of the pods that fetch for one or restart it."""
    own = [_of(service, plan, access) for service in plan.services]
    if any(exit_.internet for exit_ in own):
        own.append(EgressRule(name=WORKER, internet=True))
    restarts = [service.backend.restart for service in plan.services]
    return (*own, *(EgressRule(name=restart.name, api_server=True) for restart in restarts if restart))


def changes_deployments(service: ServicePlan, services: Sequence[ServicePlan]) -> bool:
    """Whether it is the gateway of a router, whose context size is an argument of its Deployment."""
    return service.backend.adapter == "synapse" and any(each.backend.adapter == "llama-router" for each in services)


def _of(service: ServicePlan, plan: Plan, access: Sequence[IngressRule]) -> EgressRule:
    backend = service.backend
    return EgressRule(
        name=service.service_name,
        callees=tuple(each.service for each in access if service in each.callers),
        internet=backend.fetches or bool(backend.downloads),
        anywhere=_named(service, plan),
        api_server=backend.reads_cluster or changes_deployments(service, plan.services),
    )


def _named(service: ServicePlan, plan: Plan) -> tuple[int, ...]:
    """The ports of what the stack file names, in the cluster or outside: a receiver of alerts or spans, the ingress."""
    if service.backend.kind == "blackbox" and plan.settings.ingress:
        return tuple(sorted({int(plan.settings.ingress.reached_at.rpartition(":")[2]), TRAEFIK_PODS}))
    address = plan.settings.monitoring.webhook if service.backend.kind == "alertmanager" else None
    if isinstance(service.options, GatewayService):
        address = service.options.otlp_endpoint
    if address is None:
        return ()
    url = urlsplit(address)
    return (url.port or SCHEMES[url.scheme],)
