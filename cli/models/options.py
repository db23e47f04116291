"""Options and connections that the commands about models share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from cli.options import Stack as StackOption
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan, plan
from infra.settings.loader import load as load_settings
from ops.cluster.pods import ServicePods, connect_pods
from ops.cluster.port_forward import forward_port
from ops.cluster.target import at_phase, existing_cluster
from ops.gateway.connect import LOOPBACK, connect_gateway
from ops.gateway.locate import locate
from ops.models.inventory import StackModel
from ops.models.worker import Worker

PATIENCE_S: Final = 60.0
Name = Annotated[str, typer.Argument(metavar="MODEL", help="Name that its service uses, or the name of a route.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="Names that the services use; default: all models on a disk."),
]
Service = Annotated[str | None, typer.Option("--service", help="Service of the model; needed if several have it.")]
Key = Annotated[str | None, typer.Option("--key", envvar="SYNAPSE_API_KEY", help="API key of scope admin.")]
Url = Annotated[str | None, typer.Option("--url", help="Address of the gateway; default: its address in the cluster.")]
__all__ = ["Key", "Name", "Names", "Service", "StackOption", "Url"]


def planned(stack: str, phase: int | None) -> Plan:
    return plan(at_phase(load_settings(stack), phase))


@contextmanager
def cluster_pods(plan: Plan, stack: str, kubeconfig: Path | None) -> Iterator[ServicePods]:
    """Yield the pods of the stack's cluster. Raises ToolsError without one, and UnreachableError."""
    settings = plan.settings
    with connect_pods(existing_cluster(stack, kubeconfig), settings.namespace, settings.context) as cluster:
        yield cluster


@contextmanager
def backend(cluster: ServicePods, service: ServicePlan) -> Iterator[httpx.Client]:
    """Yield a client for a pod of *service*, without the gateway. Raises UnreachableError."""
    pod = cluster.ready_pod(service.service_name)
    with (
        forward_port(cluster, pod, service.backend.container_port) as address,
        httpx.Client(base_url=address, mounts=LOOPBACK, timeout=PATIENCE_S) as http,
    ):
        yield http


@contextmanager
def gateway(
    plan: Plan, stack: str, url: str | None, kubeconfig: Path | None, key: str | None
) -> Iterator[httpx.Client]:
    """Yield a client for the gateway. Raises UnreachableError and ToolsError."""
    with locate(plan, stack, url, kubeconfig) as location, connect_gateway(location.url, key) as http:
        yield http


def worker(cluster: ServicePods) -> Worker:
    return Worker(cluster.core, cluster.namespace)


def place(model: StackModel) -> str:
    """Return the PVC of *model* and its path there."""
    if model.disk is None:
        return "-"
    return f"{model.disk.name}:{model.path}" if model.path else model.disk.name
