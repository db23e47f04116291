"""Checks of the machine: ready, recent Kubernetes, and large enough."""

import re
from collections.abc import Iterator

from infra.plan.stack import Plan
from infra.quantities import as_bytes, as_millicores, cores, gib
from ops.doctor.check import NodeCheck, Verdict, failure, missing, ok, unknown, warning
from ops.doctor.facts import NodeFacts
from ops.first_start import first_start

OLDEST = (1, 29)
"""The first K3s that creates the `nvidia` RuntimeClass: https://github.com/k3s-io/k3s/issues/8700."""
CHART_OLDEST = (1, 32)
"""The first K3s whose Traefik chart (34) has the values of `ingress.helmChartConfig`; 27 of 1.31 has them elsewhere."""
K3S = "+k3s"
VERSION = re.compile(r"v(\d+)\.(\d+)")
DISK = "ephemeral-storage"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def ready(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the node has the stack file's name, is Ready, and has no pressure."""
    name = plan.settings.node.name
    if facts.node is None:
        yield missing("node", name, facts.nodes, "set synapse:node.name to the node's name in the cluster")
        return
    conditions = {each.type: each for each in facts.node.status.conditions or []}
    condition = conditions.get("Ready")
    if condition is None or condition.status != "True":
        reason = (condition and (condition.message or condition.reason)) or "no reason given"
        yield failure(f"{name} is not Ready: {reason}", "see `journalctl -u k3s` on the node")
    elif pressures := [kind for kind in PRESSURES if kind in conditions and conditions[kind].status == "True"]:
        yield failure(f"{name} has {', '.join(pressures)}", "free memory, disk or processes of the node first")
    elif facts.node.spec.unschedulable:
        yield failure(f"{name} is cordoned, so it accepts no pods", f"run `kubectl uncordon {name}`")
    else:
        yield ok(f"{name} is Ready")


def kubernetes(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the node runs K3s, not older than OLDEST or, with a HelmChartConfig, than CHART_OLDEST."""
    version, ingress = facts.node.status.node_info.kubelet_version, plan.settings.ingress
    match = VERSION.match(version)
    number = tuple(map(int, match.groups())) if match else (0, 0)
    oldest, chart_oldest = (".".join(map(str, each)) for each in (OLDEST, CHART_OLDEST))
    if number < OLDEST:
        yield failure(f"Kubernetes {version}", f"install K3s v{oldest} or newer: it brings the nvidia RuntimeClass")
    elif ingress and ingress.helm_chart_config and number < CHART_OLDEST:
        yield failure(
            f"Kubernetes {version}: its Traefik chart does not know the values of ingress.helmChartConfig",
            f"install K3s v{chart_oldest} or newer, or set ingress.helmChartConfig: false: docs/timeouts.md",
        )
    elif K3S not in version:
        yield warning(
            f"Kubernetes {version} is not a K3s",
            "install what K3s includes: RuntimeClass, storage class, Traefik; leave ingress.helmChartConfig out",
        )
    else:
        yield ok(f"K3s {version}")


def size(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the node has the memory and the cores that the budget is planned with."""
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
        yield ok(f"{gib(memory)} of memory, {cores(cpu)} cores")


def disk(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check the space for every PVC that does not exist yet: K3s' volumes are folders of the node's own disk."""
    sizes = {disk.name: disk.size for service in plan.services for disk in service.volumes}
    needed = sum(size for name, size in sizes.items() if name not in facts.claims)
    if DISK not in facts.allocatable:
        yield unknown(
            "the node does not report the size of its disk", "compare `df -h` of the node with the sizes of the PVCs"
        )
        return
    available = as_bytes(facts.allocatable[DISK])
    if available < needed:
        yield failure(
            f"a disk of {gib(available)}, and {gib(needed)} of PVCs that do not exist yet",
            "add a disk for /var/lib/rancher/k3s/storage, or make `disk` of the services smaller",
        )
    else:
        yield ok(f"a disk of {gib(available)}, and {gib(needed)} of PVCs that do not exist yet")


def downloads(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check the free space for images and models that are not there yet, and say how long their download takes."""
    start = first_start(plan, facts.images, facts.claims)
    needs = start.text(facts.line)
    if facts.disk_free is None:
        yield unknown(f"{needs}; free disk: {facts.no_disk_reading}", f"see `df -h` on the node: {gib(start.disk)}")
    elif facts.disk_free < start.disk:
        yield failure(
            f"{needs} take about {gib(start.disk)}, and {gib(facts.disk_free)} of the disk are free",
            "free space for /var/lib/rancher/k3s, or deploy fewer services: `synapse plan` names them",
        )
    else:
        yield ok(f"{needs}, {gib(start.disk)} on the disk; {gib(facts.disk_free)} are free")


CHECKS = (
    NodeCheck(name="node", run=ready, scope="cluster"),
    NodeCheck(name="kubernetes", run=kubernetes, scope="node"),
    NodeCheck(name="size", run=size, scope="node"),
    NodeCheck(name="disk", run=disk, scope="node"),
    NodeCheck(name="first start", run=downloads, scope="node"),
)
