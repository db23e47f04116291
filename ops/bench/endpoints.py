"""The ways on which a model is asked: through the gateway, and each of its servers directly.

Both go through the Kubernetes API to a pod's port, so that the difference between them is the gateway alone.
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
from ops.cluster.pods import Pods
from ops.cluster.port_forward import forwarded
from ops.gateway.connect import HERE, reached
from ops.smoke.recordings import USUAL_VOICES, VOICES
from ops.smoke.scope import gateway, public_names

GATEWAY: Final = "gateway"
TASKS: Final[tuple[Task, ...]] = ("chat", "embeddings", "speech")


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to *model*, a public name; its server, or the gateway, knows it as *name*."""

    task: Task
    model: str
    through: str  # GATEWAY, or the name of the Service
    service: ServicePlan
    name: str
    http: httpx.Client

    @property
    def voice(self) -> str:
        return VOICES.get(self.service.backend.adapter, USUAL_VOICES)[0]


@contextmanager
def ways(plan: Plan, pods: Pods, key: str | None, within_s: float) -> Iterator[dict[str, list[Way]]]:
    """Public model -> the gateway first, then each of its servers. Raises UnreachableError."""
    with ExitStack() as opened:
        address = _opened(opened, pods, gateway(plan))
        through = opened.enter_context(reached(address, key, within_s))
        direct: dict[str, httpx.Client] = {}
        found: dict[str, list[Way]] = {}
        for task, model, targets in _routes(plan):
            entry = Way(task=task, model=model, through=GATEWAY, service=targets[0].service, name=model, http=through)
            found[model] = [entry]
            for target in targets:
                service = target.service
                if service.name not in direct:
                    base = _opened(opened, pods, service)
                    direct[service.name] = opened.enter_context(
                        httpx.Client(base_url=base, mounts=HERE, timeout=within_s)
                    )
                way = Way(
                    task=task,
                    model=model,
                    through=service.service_name,
                    service=service,
                    name=target.model,
                    http=direct[service.name],
                )
                found[model].append(way)
        yield found


def _routes(plan: Plan) -> Iterator[tuple[Task, str, tuple[Target, ...]]]:
    targets = {route.model: route.targets for route in plan.routes.routes}
    return ((task, model, targets[model]) for task in TASKS for model in public_names(plan, task))


def _opened(opened: ExitStack, pods: Pods, service: ServicePlan) -> str:
    pod = pods.ready(service.service_name)
    return opened.enter_context(forwarded(pods, pod, service.backend.container_port))
