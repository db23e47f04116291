"""The machine: whether it is there and well, how old its Kubernetes is, and how large it is."""

import re
from collections.abc import Iterator

from infra.plan.stack import Plan
from infra.quantities import as_bytes, as_millicores, cores, gib
from ops.doctor.check import Check, Verdict, failure, missing, unknown, warning, well
from ops.doctor.facts import Facts

OLDEST = (1, 29)
"""The first K3s that brings the `nvidia` RuntimeClass by itself: https://github.com/k3s-io/k3s/issues/8700."""
K3S = "+k3s"
VERSION = re.compile(r"v(\d+)\.(\d+)")
DISK = "ephemeral-storage"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def present(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """It has the name of the stack file, is Ready and has no need."""
    name = plan.settings.node.name
    if facts.node is None:
        yield missing("node", name, facts.nodes, "set synapse:node.name to the name that the cluster has")
        return
    conditions = {each.type: each for each in facts.node.status.conditions or []}
    ready = conditions.get("Ready")
    if ready is None or ready.status != "True":
        why = (ready and (ready.message or ready.reason)) or "it says nothing"
        yield failure(f"{name} is not Ready: {why}", "see `journalctl -u k3s` on the node")
    elif bad := [kind for kind in PRESSURES if kind in conditions and conditions[kind].status == "True"]:
        yield failure(f"{name} has {', '.join(bad)}", "free memory, disk or processes of the node first")
    elif facts.node.spec.unschedulable:
        yield failure(f"{name} takes no pods", f"run `kubectl uncordon {name}`")
    else:
        yield well(f"{name} is Ready")


def kubernetes(facts: Facts, _: Plan) -> Iterator[Verdict]:
    """K3s, and not older than what the stack was made for."""
    version = facts.node.status.node_info.kubelet_version
    match = VERSION.match(version)
    oldest = ".".join(map(str, OLDEST))
    if match is None or tuple(map(int, match.groups())) < OLDEST:
        yield failure(f"Kubernetes {version}", f"install K3s v{oldest} or newer: it brings the nvidia RuntimeClass")
    elif K3S not in version:
        yield warning(
            f"Kubernetes {version} is not a K3s",
            "bring what K3s would: RuntimeClass, storage class and Traefik; leave ingress.helmChartConfig out",
        )
    else:
        yield well(f"K3s {version}")


def size(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """As much memory and as many cores as the budget is planned with."""
    capacity, node = facts.node.status.capacity or {}, plan.settings.node
    memory, cpu = as_bytes(capacity.get("memory", "0")), as_millicores(capacity.get("cpu", "0"))
    if memory < node.memory:
        yield failure(
            f"{gib(memory)} of memory, where the stack file says {gib(node.memory)}",
            f"set synapse:node.memory to at most {gib(memory)}, then run `synapse plan`",
        )
    if cpu < node.cpus:
        yield failure(
            f"{cores(cpu)} cores, where the stack file says {cores(node.cpus)}",
            f"set synapse:node.cpus to at most {cores(cpu)}, then run `synapse plan`",
        )
    if memory >= node.memory and cpu >= node.cpus:
        yield well(f"{gib(memory)} of memory, {cores(cpu)} cores")


def disk(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """Room for every claim that is still to be made; K3s' volumes are folders of the node's own disk."""
    wanted = {disk.name: disk.size for service in plan.services for disk in service.volumes}
    needed = sum(size for name, size in wanted.items() if name not in facts.claims)
    if DISK not in facts.allocatable:
        yield unknown("the node does not say how large its disk is", "compare `df -h` of the node with the claims")
        return
    room = as_bytes(facts.allocatable[DISK])
    if room < needed:
        yield failure(
            f"a disk of {gib(room)}, and {gib(needed)} of claims to be made",
            "add a disk for /var/lib/rancher/k3s/storage, or make `disk` of the services smaller",
        )
    else:
        yield well(f"a disk of {gib(room)}, and {gib(needed)} of claims to be made")


CHECKS = (
    Check(name="node", look=present, of="cluster"),
    Check(name="kubernetes", look=kubernetes, of="node"),
    Check(name="size", look=size, of="node"),
    Check(name="disk", look=disk, of="node"),
)
