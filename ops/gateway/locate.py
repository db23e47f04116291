"""Where a stack's gateway is asked: at an address, through the embedded cluster, or through any other's API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.model import Settings
from ops.cluster.pods import pods
from ops.cluster.port_forward import forwarded
from ops.cluster.target import GATEWAY, existing_cluster, own
from ops.smoke.scope import gateway
from tools.cluster import Cluster


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the gateway is asked, how it is reached there, and the cluster that knows its pods, if one is at hand."""

    url: str
    way: str
    kubeconfig: Path | None


@contextmanager
def found(planned: Plan, stack: str, url: str | None, kubeconfig: Path | None) -> Iterator[Place]:
    """The gateway at *url*, or that of the cluster. Raises UnreachableError and ToolsError."""
    asked = gateway(planned)
    if url:
        yield Place(url=url, way="as given", kubeconfig=kubeconfig)
        return
    private, target = own(stack, planned.settings), existing_cluster(stack, kubeconfig)
    if isinstance(private, Cluster) and target == private.kubeconfig:
        yield Place(url=f"http://{private.address(GATEWAY)}", way=f"Service {asked.service_name}", kubeconfig=target)
    else:
        with _forwarded(asked, planned.settings, target) as place:
            yield place


@contextmanager
def _forwarded(asked: ServicePlan, settings: Settings, kubeconfig: Path) -> Iterator[Place]:
    port = asked.backend.container_port
    with pods(kubeconfig, settings.namespace, settings.context) as known:
        pod = known.ready(asked.service_name)
        with forwarded(known, pod, port) as address:
            yield Place(url=address, way=f"the port {port} of pod {pod}", kubeconfig=kubeconfig)
