"""Connections that the commands about models share: clients of the cluster, of a backend and of the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from infra.plan.service import ServicePlan
from infra.plan.stack import Plan, plan
from infra.settings.loader import load as load_settings
from ops.cluster.pods import ServicePods, connect_pods
from ops.cluster.port_forward import forward_port
from ops.cluster.target import at_phase, existing_cluster
from ops.gateway.connect import connect_gateway, http_client
from ops.gateway.locate import locate
from ops.models.worker import Worker
from ops.stack_secrets import admin_key, with_secrets

TIMEOUT_S: Final = 60.0


def planned(stack: str, phase: int | None, kubeconfig: Path | None = None) -> Plan:
    """Return the plan of the stack with the secrets that are kept for it, at *phase* where one is given."""
    return plan(with_secrets(stack, at_phase(load_settings(stack), phase), kubeconfig))


@contextmanager
def cluster_pods(plan: Plan, stack: str, kubeconfig: Path | None) -> Iterator[ServicePods]:
    """Yield the pods of the stack's cluster. Raises ToolsError without one, and UnreachableError."""
    settings = plan.settings
    with connect_pods(existing_cluster(stack, kubeconfig), settings.namespace, settings.context) as cluster:
        yield cluster


@contextmanager
def backend_client(cluster: ServicePods, service: ServicePlan) -> Iterator[httpx.Client]:
    """Yield a client for a pod of *service*, without the gateway. Raises UnreachableError."""
    pod = cluster.ready_pod(service.service_name)
    with (
        forward_port(cluster, pod, service.backend.container_port) as address,
        http_client(address, TIMEOUT_S) as http,
    ):
        yield http


@contextmanager
def gateway_client(
    plan: Plan, stack: str, url: str | None, kubeconfig: Path | None, key: str | None
) -> Iterator[httpx.Client]:
    """Yield a client for the gateway. Raises UnreachableError and ToolsError."""
    key = key or (None if url else admin_key(stack, plan.settings, kubeconfig))
    with locate(plan, stack, url, kubeconfig) as location, connect_gateway(location.url, key) as http:
        yield http


def worker(cluster: ServicePods) -> Worker:
    return Worker(cluster.core, cluster.namespace)
