"""Checks of the GPUs: access for pods, the driver, and the memory in use."""

from collections.abc import Iterator

from infra.catalog import cards
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import MI, gib
from ops.doctor.check import NodeCheck, Verdict, failure, missing, ok, unknown, warning
from ops.doctor.cuda import BLACKWELL, DRIVER_OF_CUDA, DRIVER_OF_FAMILY, FAMILY_OF_COMPUTE
from ops.doctor.facts import GPU, NodeFacts

DRIVER = ("nvidia.com/cuda.driver-version.major", "nvidia.com/cuda.driver.major")
"""Labels of GPU feature discovery, the newer name first."""
FAMILY, COMPUTE = "nvidia.com/gpu.family", "nvidia.com/gpu.compute.major"
PRODUCT = "nvidia.com/gpu.product"
MEMORY, REPLICAS = "nvidia.com/gpu.memory", "nvidia.com/gpu.replicas"
HANDLER = "nvidia"
PLUGIN = "set synapse:node.devicePlugin: true, or install NVIDIA's device plugin"
RESERVED = 2**30
"""Bytes that a driver may reserve, so that a GPU reports less than its nominal size; docs/decisions/budget.md."""


def runtime_class(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    name = plan.settings.node.runtime_class
    if name not in facts.runtime_classes:
        do = "install the NVIDIA container toolkit on the node and restart K3s, which then creates it"
        yield missing("RuntimeClass", name, facts.runtime_classes, do)
    elif facts.runtime_classes[name] != HANDLER:
        yield warning(
            f"RuntimeClass {name} has the handler {facts.runtime_classes[name]}",
            "check that this runtime of containerd is NVIDIA's",
        )
    else:
        yield ok(f"RuntimeClass {name}")


def count(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check the number of allocatable GPUs against the stack file, unless its own device plugin is still to come."""
    planned, offered = plan.settings.node.gpu_shares, int(facts.allocatable.get(GPU, "0"))
    if offered == planned:
        yield ok(f"{offered} {GPU}")
    elif not offered and plan.settings.node.device_plugin:
        yield ok(f"no {GPU} yet: phase 2 brings the device plugin")
    elif not offered:
        yield failure(f"the node offers no {GPU}", PLUGIN)
    elif REPLICAS in facts.labels or plan.settings.node.gpus[0].shares > 1:
        return  # `time_slicing` reports it
    else:
        yield failure(
            f"the node offers {offered} {GPU}, and the stack file says {planned}", "correct synapse:node.gpus"
        )


def time_slicing(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check the number of pods that share a GPU against the stack file."""
    planned = plan.settings.node.gpus[0].shares
    offered = int(facts.allocatable.get(GPU, "0"))
    if not offered and plan.settings.node.device_plugin:
        return
    shares = int(facts.labels.get(REPLICAS, "0")) or offered // len(plan.settings.node.gpus)
    if offered and shares != planned:
        yield failure(
            f"each GPU is shared by {shares} pods, and the stack file says {planned}",
            f"set `replicas: {planned}` in the device plugin's time-slicing configuration, or gpus[].shares: {shares}",
        )
    elif offered:
        yield ok("no GPU is shared" if planned == 1 else f"each GPU is shared by {shares} pods")


def driver(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the driver is recent enough for CUDA in every GPU image, and for the GPU."""
    version = _driver(facts)
    family = _family(facts)
    needs = {
        service.service_name: DRIVER_OF_CUDA[service.backend.cuda] for service in _on_gpu(plan) if service.backend.cuda
    }
    if family and family in DRIVER_OF_FAMILY:
        needs[f"a GPU of {family}"] = DRIVER_OF_FAMILY[family]
    if version is None:
        yield unknown(
            f"no label has the version of the driver; {facts.no_gpu_reading}",
            f"it must be {max(needs.values(), default=0)} or newer: see `nvidia-smi` on the node",
        )
        return
    unmet = {name: oldest for name, oldest in needs.items() if version < oldest}
    if unmet:
        yield failure(
            f"driver {version}: {', '.join(f'{name} needs {oldest}' for name, oldest in unmet.items())}",
            f"install driver {max(unmet.values())} or newer on the node, and reboot",
        )
    else:
        yield ok(f"driver {version}")


def card(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the GPUs are the cards that the stack file says: less of another card may be usable."""
    planned = plan.settings.node.gpus[0].listed_card
    label = facts.labels.get(PRODUCT)
    names = [gpu.name for gpu in facts.gpus or ()] or ([label] if label else [])
    others = sorted({name for name in names if cards.named(name) not in {planned, None}})
    if planned is None or not names:
        return
    if others:
        yield failure(
            f"the node has a {' and a '.join(others)}, and the stack file says {planned}",
            f"set synapse:node.gpus[].card to {cards.named(others[0])}, then run `synapse plan`",
        )
    else:
        yield ok(f"{planned}: {gib(cards.usable(planned))} that CUDA can use")


def memory(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the GPUs have the memory that the budget is planned with."""
    planned = plan.settings.node.capacity.smallest_gpu
    labelled = [int(facts.labels[MEMORY]) * MI] if MEMORY in facts.labels else []
    sizes = [gpu.memory for gpu in facts.gpus or ()] or labelled
    if not sizes:
        yield unknown(f"no label has the GPU's memory; {facts.no_gpu_reading}", "see `nvidia-smi` on the node")
    elif min(sizes) + RESERVED < planned:
        yield failure(
            f"a GPU has {gib(min(sizes))}, and the stack file says {gib(planned)}",
            f"set synapse:node.gpus[].memory to {gib(min(sizes))}, then run `synapse plan`",
        )
    else:
        yield ok(f"{gib(min(sizes))} per GPU")


def free(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that no other pod claims a GPU, and no other program uses the memory that the engines need."""
    for name, gpus in facts.gpu_holders.items():
        yield failure(f"{name} claims {gpus} {GPU}", "move it to the platform and scale it to 0: `synapse migrate`")
    needed = sum(service.claim.vram * service.claim.gpus * service.replicas for service in _on_gpu(plan))
    if facts.gpus is None:
        yield unknown(f"free memory of the GPUs: {facts.no_gpu_reading}", "see `nvidia-smi` on the node")
    elif (left := sum(gpu.free for gpu in facts.gpus)) < needed:
        yield failure(
            f"{gib(left)} are free on the GPUs, and the engines take {gib(needed)}",
            "see with `nvidia-smi` on the node which program uses the rest, and end it; a running stack uses its own",
        )
    else:
        yield ok(f"{gib(left)} are free on the GPUs, and the engines take {gib(needed)}")


def sleep_mode(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Warn of vLLM's sleep mode on a GPU family where it has crashed."""
    sleepers = [each.service_name for each in plan.services if each.options.model_loading == "sleep"]
    if sleepers and _family(facts) == BLACKWELL:
        yield warning(
            f"{', '.join(sleepers)} may sleep, on a GPU of {BLACKWELL}, where engines crashed on waking up",
            "set `sleep: false`, or test sleep and wake-up under load before you rely on it",
        )
    elif sleepers:
        yield ok(f"{', '.join(sleepers)} may sleep")


def _on_gpu(plan: Plan) -> list[ServicePlan]:
    return [service for service in plan.services if service.claim.gpus]


def _driver(facts: NodeFacts) -> int | None:
    if facts.gpus:
        return min(int(gpu.driver.partition(".")[0]) for gpu in facts.gpus)
    return next((int(facts.labels[label]) for label in DRIVER if label in facts.labels), None)


def _family(facts: NodeFacts) -> str | None:
    compute = [gpu.compute.partition(".")[0] for gpu in facts.gpus or ()] or [facts.labels.get(COMPUTE, "")]
    by_compute = next((FAMILY_OF_COMPUTE.get(int(major)) for major in compute if major.isdigit()), None)
    return facts.labels.get(FAMILY, by_compute)


CHECKS = (
    NodeCheck(name="runtime class", run=runtime_class, scope="gpu"),
    NodeCheck(name="GPUs", run=count, scope="gpu"),
    NodeCheck(name="time-slicing", run=time_slicing, scope="gpu"),
    NodeCheck(name="driver", run=driver, scope="gpu"),
    NodeCheck(name="GPU card", run=card, scope="gpu"),
    NodeCheck(name="GPU memory", run=memory, scope="gpu"),
    NodeCheck(name="GPU free", run=free, scope="gpu"),
    NodeCheck(name="sleep mode", run=sleep_mode, scope="gpu"),
)
