"""Location of a stack's gateway: an address, a forward of the private cluster, or a forwarded port of a pod."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.model import Settings
from ops.cluster.pods import connect_pods
from ops.cluster.port_forward import forward_port
from ops.cluster.target import GATEWAY as GATEWAY_FORWARD
from ops.cluster.target import cluster_for, existing_cluster
from ops.errors import UnreachableError
from tools.cluster import Cluster
from tools.twin import Twin

GATEWAY: Final = "gateway"
"""The kind of service that `synapse smoke`, `bench stack` and `release` work with."""


@dataclass(frozen=True, kw_only=True)
class GatewayLocation:
    """Address of the gateway; *via*: the route to it, for a person; *kubeconfig*: of its cluster, if one is named."""

    url: str
    via: str
    kubeconfig: Path | None


def gateway_service(plan: Plan) -> ServicePlan:
    """Return the stack's gateway. Raises UnreachableError."""
    for service in plan.services:
        if service.backend.kind == GATEWAY:
            return service
    raise UnreachableError(
        f"the stack has no service of kind {GATEWAY} at phase {plan.settings.phase}: add one, or choose a later phase"
    )


@contextmanager
def locate(plan: Plan, stack: str, url: str | None, kubeconfig: Path | None) -> Iterator[GatewayLocation]:
    """Yield the location of the gateway at *url*, or in the cluster. Raises UnreachableError and ToolsError."""
    gateway = gateway_service(plan)
    if url:
        yield GatewayLocation(url=url, via="as given", kubeconfig=kubeconfig)
        return
    private, target = cluster_for(stack, plan.settings), existing_cluster(stack, kubeconfig)
    if isinstance(private, Cluster) and target == private.kubeconfig:
        address = f"http://{private.address(GATEWAY_FORWARD)}"
        yield GatewayLocation(url=address, via=f"Service {gateway.service_name}", kubeconfig=target)
    elif isinstance(private, Twin) and target == private.kubeconfig:
        raise UnreachableError(
            f"the pods of the twin {stack} are simulated, so its gateway answers nothing; "
            "`make up` deploys real pods, --kubeconfig names a real cluster, and --url a gateway"
        )
    else:
        with _forwarded(gateway, plan.settings, target) as location:
            yield location


@contextmanager
def _forwarded(gateway: ServicePlan, settings: Settings, kubeconfig: Path) -> Iterator[GatewayLocation]:
    port = gateway.backend.container_port
    with connect_pods(kubeconfig, settings.namespace, settings.context) as pods:
        pod = pods.ready_pod(gateway.service_name)
        with forward_port(pods, pod, port) as address:
            yield GatewayLocation(url=address, via=f"the port {port} of pod {pod}", kubeconfig=kubeconfig)
