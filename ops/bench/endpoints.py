"""Endpoints at which a model is measured: the gateway, and each of its servers directly.

All of them are ports of a pod, forwarded through the Kubernetes API, so that they differ by the gateway alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from infra.plan.routes import Target
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.services import Task
from ops.cluster.pods import ServicePods
from ops.cluster.port_forward import forward_port
from ops.gateway.connect import connect_gateway, http_client
from ops.gateway.locate import gateway_service
from ops.smoke import traits
from ops.smoke.scope import public_names

GATEWAY: Final = "gateway"
TASKS: Final[tuple[Task, ...]] = ("chat", "embeddings", "speech")


@dataclass(frozen=True, kw_only=True)
class ModelEndpoint:
    """One endpoint of *model*, a public name; the server behind it calls the model *name*."""

    task: Task
    model: str
    through: str  # GATEWAY, or the name of the Service
    service: ServicePlan
    name: str
    http: httpx.Client

    @property
    def voice(self) -> str:
        return traits.voices(self.service)[0]


@contextmanager
def connect_endpoints(
    plan: Plan, pods: ServicePods, key: str | None, within_s: float
) -> Iterator[dict[str, list[ModelEndpoint]]]:
    """Yield public model -> its endpoints: the gateway first, then each of its servers. Raises UnreachableError."""
    with ExitStack() as contexts:
        address = _forward(contexts, pods, gateway_service(plan))
        gateway = contexts.enter_context(connect_gateway(address, key, within_s))
        direct: dict[str, httpx.Client] = {}
        endpoints: dict[str, list[ModelEndpoint]] = {}
        for task, model, targets in _routes(plan):
            first = targets[0].service
            endpoints[model] = [
                ModelEndpoint(task=task, model=model, through=GATEWAY, service=first, name=model, http=gateway)
            ]
            for target in targets:
                service = target.service
                if service.name not in direct:
                    base = _forward(contexts, pods, service)
                    direct[service.name] = contexts.enter_context(http_client(base, within_s))
                endpoint = ModelEndpoint(
                    task=task,
                    model=model,
                    through=service.service_name,
                    service=service,
                    name=target.model,
                    http=direct[service.name],
                )
                endpoints[model].append(endpoint)
        yield endpoints


def _routes(plan: Plan) -> Iterator[tuple[Task, str, tuple[Target, ...]]]:
    targets = {route.model: route.targets for route in plan.routes.routes}
    return ((task, model, targets[model]) for task in TASKS for model in public_names(plan, task))


def _forward(contexts: ExitStack, pods: ServicePods, service: ServicePlan) -> str:
    pod = pods.ready_pod(service.service_name)
    return contexts.enter_context(forward_port(pods, pod, service.backend.container_port))
