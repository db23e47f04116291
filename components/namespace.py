"""The namespace of a stack, with the ledger's budget enforced by the cluster itself."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.kubernetes import core
from components.naming import PART_OF
from infra.annotations import KEEP
from infra.catalog.kinds import DEFAULT_LIMIT
from infra.quantities import MI, cpu_text, memory_text
from infra.sizing.budget import total
from infra.sizing.ledger import Ledger

POD_SECURITY = "pod-security.kubernetes.io"


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """Its name in the cluster, and the ledger of what will live in it."""

    name: str
    ledger: Ledger


class Namespace(pulumi.ComponentResource):
    """A namespace that admits `restricted` pods only, within the node's budget.

    It stays when the stack is destroyed: the claims in it hold models and voices, and would go with it.
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
    """Pod Security admission: what is not `restricted` is refused, and reported."""
    levels = {f"{POD_SECURITY}/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {**levels, "app.kubernetes.io/part-of": PART_OF}


def quota(ledger: Ledger) -> dict[str, str]:
    """The node's budget, less what the ledger has in other namespaces: what the ledger lets through, and no more."""
    node = ledger.capacity
    elsewhere = [line for line in ledger.lines if line.namespace]
    memory_left = node.memory_budget - total(elsewhere, lambda claim: claim.memory_limit)
    memory = memory_text(memory_left // MI * MI)
    cpu_elsewhere = total(elsewhere, lambda claim: claim.cpu_limit)
    return {
        "requests.memory": memory,
        "limits.memory": memory,
        "requests.cpu": cpu_text(node.cpu_budget - cpu_elsewhere),
        "limits.cpu": cpu_text(node.cpu_limit_budget - cpu_elsewhere),
        "requests.nvidia.com/gpu": str(node.gpu_shares),
    }


def limits(ledger: Ledger) -> core.v1.LimitRangeItemArgsDict:
    """No container above the largest claim; one that names no limit gets a small one, and is counted."""
    claims = [line.claim for line in ledger.lines if not line.namespace] + [DEFAULT_LIMIT]
    return {
        "type": "Container",
        "max": _amounts(max(claim.memory_limit for claim in claims), max(claim.cpu_limit for claim in claims)),
        "default": _amounts(DEFAULT_LIMIT.memory_limit, DEFAULT_LIMIT.cpu_limit),
        "default_request": _amounts(DEFAULT_LIMIT.memory_request, DEFAULT_LIMIT.cpu_request),
    }


def _amounts(memory: int, cpu: int) -> dict[str, str]:
    return {"memory": memory_text(memory), "cpu": cpu_text(cpu)}
