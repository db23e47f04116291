"""Health of a stack: its pods in the cluster, and its backends according to the gateway."""

from dataclasses import dataclass
from pathlib import Path

from infra.plan.stack import Plan
from ops.cluster.state import ClusterState, is_complete, read
from ops.cluster.target import existing_cluster
from ops.errors import UnreachableError
from ops.gateway.health import HEALTHY, read_health
from ops.gateway.locate import GATEWAY, locate
from ops.gateway.responses import GatewayHealth


@dataclass(frozen=True, kw_only=True)
class StackHealth:
    """*state*: of the cluster, if there is one; *gateway*: the gateway's answer, or None for the reason in *fault*.

    A stack without a gateway, at an early phase, has neither of the two.
    """

    state: ClusterState | None
    gateway: GatewayHealth | None = None
    fault: str | None = None

    def is_healthy(self, plan: Plan) -> bool:
        is_ready = self.state is None or is_complete(plan, self.state)
        return is_ready and self.fault is None and (self.gateway is None or self.gateway.status == HEALTHY)


def read_stack_health(plan: Plan, stack: str, url: str | None, kubeconfig: Path | None) -> StackHealth:
    """Read the pods and the gateway's health; with *url* alone no cluster is read. Raises ToolsError without one."""
    target = kubeconfig if url else existing_cluster(stack, kubeconfig)
    state = read(target, *plan.namespaces, context=plan.settings.context) if target else None
    if not url and GATEWAY not in {service.backend.kind for service in plan.services}:
        return StackHealth(state=state)
    try:
        with locate(plan, stack, url, kubeconfig) as location:
            return StackHealth(state=state, gateway=read_health(location.url))
    except UnreachableError as error:
        return StackHealth(state=state, fault=str(error))
