"""The forge: every service of the stack file on one node, phase by phase."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from components.backend import Backend, BackendArgs
from components.gateway import Gateway
from components.litellm import Litellm
from components.namespace import Namespace, NamespaceArgs
from components.ollama import Ollama
from components.security import Security, SecurityArgs
from components.vllm import Vllm
from infra.access import ENTRIES, access
from infra.consumers import SECURITY_PHASE
from infra.placement import Placed
from infra.plan import Plan

KINDS: Mapping[str, type[Backend]] = {"ollama": Ollama, "vllm": Vllm, "gateway": Gateway, "litellm": Litellm}
"""Kinds with a component of their own; every other is a plain Backend of its catalogue entry."""


def deploy(plan: Plan, secrets: Mapping[str, pulumi.Output[str]]) -> dict[str, pulumi.Output[str]]:
    """Register the plan's resources and return each service's address inside the cluster.

    Raises BudgetError before anything is registered when the claims do not fit.
    """
    plan.ledger.check()
    everything = pulumi.ResourceOptions(provider=cluster(plan))
    namespace = Namespace("namespace", NamespaceArgs(name=plan.settings.namespace, ledger=plan.ledger), opts=everything)
    urls = {service.name: _backend(service, plan, namespace, secrets, everything).url for service in plan.services}
    if plan.settings.phase >= SECURITY_PHASE:
        _security(plan, namespace, everything)
    return urls


def cluster(plan: Plan) -> kubernetes.Provider:
    """The cluster of the ambient kubeconfig. What is there already is adopted: see docs/decisions/claims.md."""
    return kubernetes.Provider(
        "cluster",
        context=plan.settings.context,
        cluster_identifier=plan.settings.node.name,
        upsert_existing_objects=True,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def _backend(
    service: Placed,
    plan: Plan,
    namespace: Namespace,
    secrets: Mapping[str, pulumi.Output[str]],
    opts: pulumi.ResourceOptions,
) -> Backend:
    args = BackendArgs(
        service=service, namespace=namespace, node=plan.settings.node, routes=plan.routes, secrets=secrets
    )
    return KINDS.get(service.backend.kind, Backend)(service.name, args, opts)


def _security(plan: Plan, namespace: Namespace, opts: pulumi.ResourceOptions) -> Security:
    gateway = next((service for service in plan.services if service.backend.kind in ENTRIES), None)
    args = SecurityArgs(
        namespace=namespace, access=access(plan.services), gateway=gateway, ingress=plan.settings.ingress
    )
    return Security("security", args, opts)
