"""Options and ways that the commands about models share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from cli.options import Stack as StackOption
from infra.plan.service import Placed
from infra.plan.stack import Plan, plan
from infra.settings.loader import load as load_settings
from ops.cluster.pods import ServicePods, connect_pods
from ops.cluster.port_forward import forward_port
from ops.cluster.target import at_phase, existing_cluster
from ops.gateway.connect import LOOPBACK, connect_gateway
from ops.gateway.locate import GATEWAY, locate
from ops.models.inventory import Model
from ops.models.worker import Worker

PATIENCE_S: Final = 60.0
Name = Annotated[str, typer.Argument(metavar="MODEL", help="As its service calls it, or the name of a route.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="As services call them; all that are on a disk if left out."),
]
Service = Annotated[
    str | None, typer.Option("--service", help="Whose model it is, where several have one of the name.")
]
Key = Annotated[str | None, typer.Option("--key", envvar="SYNAPSE_API_KEY", help="An API key, of scope admin.")]
Url = Annotated[str | None, typer.Option("--url", help="The gateway's address; that of the cluster if left out.")]
__all__ = ["Key", "Name", "Names", "Service", "StackOption", "Url"]


def planned(stack: str, phase: int | None) -> Plan:
    return plan(at_phase(load_settings(stack), phase))


@contextmanager
def cluster_pods(plan: Plan, stack: str, kubeconfig: Path | None) -> Iterator[ServicePods]:
    """The pods of the stack's cluster. Raises ToolsError without one, and UnreachableError."""
    settings = plan.settings
    with connect_pods(existing_cluster(stack, kubeconfig), settings.namespace, settings.context) as known:
        yield known


@contextmanager
def backend(known: ServicePods, service: Placed) -> Iterator[httpx.Client]:
    """A client for a pod of *service* itself, past the gateway. Raises UnreachableError."""
    pod = known.ready_pod(service.service_name)
    with (
        forward_port(known, pod, service.backend.container_port) as address,
        httpx.Client(base_url=address, mounts=LOOPBACK, timeout=PATIENCE_S) as http,
    ):
        yield http


@contextmanager
def gateway(
    plan: Plan, stack: str, url: str | None, kubeconfig: Path | None, key: str | None
) -> Iterator[httpx.Client]:
    """A client for the gateway. Raises UnreachableError and ToolsError."""
    with locate(plan, stack, url, kubeconfig) as location, connect_gateway(location.url, key) as http:
        yield http


def worker(known: ServicePods) -> Worker:
    return Worker(known.core, known.namespace)


def image(plan: Plan, known: ServicePods) -> str:
    """What a worker runs as: the gateway's image where one is there."""
    entry = next((service.service_name for service in plan.services if service.backend.kind == GATEWAY), None)
    return worker(known).image(entry)


def where(model: Model) -> str:
    """The claim that it is on."""
    if model.disk is None:
        return "-"
    return f"{model.disk.name}:{model.path}" if model.path else model.disk.name
