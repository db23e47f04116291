"""Namespace of a stack, with a quota that enforces the budget of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.kubernetes import core
from infra.annotations import KEEP
from infra.catalog.kinds import DEFAULT_LIMIT
from infra.labels import part_of
from infra.quantities import MI, cpu_text, memory_text
from infra.sizing.budget import total
from infra.sizing.ledger import Ledger

POD_SECURITY = "pod-security.kubernetes.io"


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """Name of the namespace, and the ledger of its workloads."""

    name: str
    ledger: Ledger


class Namespace(pulumi.ComponentResource):
    """A namespace that admits only `restricted` pods, within the budget of the node.

    It is retained when the stack is destroyed, because its PVCs (models, voices) would be deleted with it.
    """

    name: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Namespace", name, None, opts)
        namespace = core.v1.Namespace(
            name,
            metadata={"name": args.name, "labels": security_labels(), "annotations": {KEEP: "true"}},
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.name = namespace.metadata.name
        inside = pulumi.ResourceOptions(parent=self)
        core.v1.ResourceQuota(
            f"{name}-quota",
            metadata={"name": "budget", "namespace": self.name},
            spec={"hard": quota(args.ledger)},
            opts=inside,
        )
        core.v1.LimitRange(
            f"{name}-limits",
            metadata={"name": "containers", "namespace": self.name},
            spec={"limits": [limits(args.ledger)]},
            opts=inside,
        )
        self.register_outputs({"name": self.name})


def security_labels() -> dict[str, str]:
    """Return the labels of Pod Security admission: pods that are not `restricted` are refused and reported."""
    levels = {f"{POD_SECURITY}/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {**levels, **part_of()}


def quota(ledger: Ledger) -> dict[str, str]:
    """Return the budget of the node without the claims in other namespaces."""
    node = ledger.capacity
    other_namespaces = [line for line in ledger.lines if line.namespace]
    memory_left = node.memory_budget - total(other_namespaces, lambda claim: claim.memory_limit)
    memory = memory_text(memory_left // MI * MI)
    cpu_reserved = total(other_namespaces, lambda claim: claim.cpu_limit)
    return {
        "requests.memory": memory,
        "limits.memory": memory,
        "requests.cpu": cpu_text(node.cpu_budget - cpu_reserved),
        "limits.cpu": cpu_text(node.cpu_limit_budget - cpu_reserved),
        "requests.nvidia.com/gpu": str(node.gpu_shares),
    }


def limits(ledger: Ledger) -> core.v1.LimitRangeItemArgsDict:
    """Return the largest claim as maximum of a container, and a small default for a container without limits."""
    claims = [line.claim for line in ledger.lines if not line.namespace] + [DEFAULT_LIMIT]
    return {
        "type": "Container",
        "max": _amounts(max(claim.memory_limit for claim in claims), max(claim.cpu_limit for claim in claims)),
        "default": _amounts(DEFAULT_LIMIT.memory_limit, DEFAULT_LIMIT.cpu_limit),
        "default_request": _amounts(DEFAULT_LIMIT.memory_request, DEFAULT_LIMIT.cpu_request),
    }


def _amounts(memory: int, cpu: int) -> dict[str, str]:
    return {"memory": memory_text(memory), "cpu": cpu_text(cpu)}
