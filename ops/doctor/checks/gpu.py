"""The graphics cards: how pods get them, what their driver can run, and what is left of their memory."""

from collections.abc import Iterator

from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import MI, gib
from ops.doctor.check import Check, Verdict, failure, missing, unknown, warning, well
from ops.doctor.cuda import BLACKWELL, DRIVER_OF_CUDA, DRIVER_OF_FAMILY, FAMILY_OF_COMPUTE
from ops.doctor.facts import GPU, Facts

DRIVER = ("nvidia.com/cuda.driver-version.major", "nvidia.com/cuda.driver.major")
"""Labels of GPU feature discovery, the later name first."""
FAMILY, COMPUTE = "nvidia.com/gpu.family", "nvidia.com/gpu.compute.major"
MEMORY, REPLICAS = "nvidia.com/gpu.memory", "nvidia.com/gpu.replicas"
HANDLER = "nvidia"
PLUGIN = "set synapse:node.devicePlugin: true, or install NVIDIA's device plugin"
RESERVED = 2**30
"""What a driver may keep of a card, so that it shows less than its nominal size; docs/decisions/budget.md."""


def runtime_class(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    name = plan.settings.node.runtime_class
    if name not in facts.runtime_classes:
        do = "install the NVIDIA container toolkit on the node and restart K3s, which then makes it"
        yield missing("RuntimeClass", name, facts.runtime_classes, do)
    elif facts.runtime_classes[name] != HANDLER:
        yield warning(
            f"RuntimeClass {name} has the handler {facts.runtime_classes[name]}",
            "see that this runtime of containerd is NVIDIA's",
        )
    else:
        yield well(f"RuntimeClass {name}")


def cards(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """As many GPUs as the stack file says, or a plugin that is still to come."""
    wanted, found = plan.settings.node.gpu_shares, int(facts.allocatable.get(GPU, "0"))
    if found == wanted:
        yield well(f"{found} {GPU}")
    elif not found and plan.settings.node.device_plugin:
        yield well(f"no {GPU} yet: phase 2 brings the device plugin")
    elif not found:
        yield failure(f"the node offers no {GPU}", PLUGIN)
    elif REPLICAS in facts.labels or plan.settings.node.gpus[0].shares > 1:
        return  # time-slicing says what is wrong
    else:
        yield failure(f"the node offers {found} {GPU}, and the stack file says {wanted}", "correct synapse:node.gpus")


def time_slicing(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """Each card shared by as many pods as the stack file says."""
    wanted = plan.settings.node.gpus[0].shares
    offered = int(facts.allocatable.get(GPU, "0"))
    if not offered and plan.settings.node.device_plugin:
        return
    found = int(facts.labels.get(REPLICAS, "0")) or offered // len(plan.settings.node.gpus)
    if offered and found != wanted:
        yield failure(
            f"each card is shared by {found} pods, and the stack file says {wanted}",
            f"set `replicas: {wanted}` in the device plugin's time-slicing configuration, or gpus[].shares: {found}",
        )
    elif offered:
        yield well("no card is shared" if wanted == 1 else f"each card is shared by {found} pods")


def driver(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """New enough for CUDA in every image that uses a card, and for the card."""
    found = _driver(facts)
    family = _family(facts)
    needs = {
        service.service_name: DRIVER_OF_CUDA[service.backend.cuda] for service in _on_gpu(plan) if service.backend.cuda
    }
    if family and family in DRIVER_OF_FAMILY:
        needs[f"a card of {family}"] = DRIVER_OF_FAMILY[family]
    if found is None:
        yield unknown(
            f"no label says which driver the node has, and {facts.no_cards}",
            f"it must be {max(needs.values(), default=0)} or newer: see `nvidia-smi` on the node",
        )
        return
    late = {name: oldest for name, oldest in needs.items() if found < oldest}
    if late:
        who = ", ".join(f"{name} needs {oldest}" for name, oldest in late.items())
        yield failure(
            f"driver {found}: {who}",
            f"install driver {max(late.values())} or newer on the node, and reboot",
        )
    else:
        yield well(f"driver {found}")


def memory(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """Cards of the size that the budget is planned with."""
    wanted = plan.settings.node.gpus[0].memory
    labelled = [int(facts.labels[MEMORY]) * MI] if MEMORY in facts.labels else []
    sizes = [card.memory for card in facts.cards or ()] or labelled
    if not sizes:
        yield unknown(f"no label says how large the cards are, and {facts.no_cards}", "see `nvidia-smi` on the node")
    elif min(sizes) + RESERVED < wanted:
        yield failure(
            f"a card has {gib(min(sizes))}, and the stack file says {gib(wanted)}",
            f"set synapse:node.gpus[].memory to {gib(min(sizes))}, then run `synapse plan`",
        )
    else:
        yield well(f"{gib(min(sizes))} a card")


def free(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """Nobody else has what the engines will take: no pod that claims a GPU, no program beside the cluster."""
    for name, gpus in facts.gpu_holders.items():
        yield failure(f"{name} claims {gpus} {GPU}", "move it to the platform and scale it to 0: `synapse migrate`")
    needed = sum(service.claim.vram * service.claim.gpus * service.replicas for service in _on_gpu(plan))
    if facts.cards is None:
        yield unknown(f"how much memory is free on the cards: {facts.no_cards}", "see `nvidia-smi` on the node")
    elif (left := sum(card.free for card in facts.cards)) < needed:
        yield failure(
            f"{gib(left)} are free on the cards, and the engines take {gib(needed)}",
            "see with `nvidia-smi` on the node which program holds the rest, and end it; a running stack holds its own",
        )
    else:
        yield well(f"{gib(left)} are free on the cards, and the engines take {gib(needed)}")


def sleep(facts: Facts, plan: Plan) -> Iterator[Verdict]:
    """VLLM that sleeps on a card where that is known to go wrong."""
    sleepers = [each.service_name for each in plan.services if each.options.model_loading == "sleep"]
    if sleepers and _family(facts) == BLACKWELL:
        yield warning(
            f"{', '.join(sleepers)} may sleep, on a card of {BLACKWELL}, where engines crashed on waking up",
            "set `sleep: false`, or let it sleep and wake under load before you rely on it",
        )
    elif sleepers:
        yield well(f"{', '.join(sleepers)} may sleep")


def _on_gpu(plan: Plan) -> list[ServicePlan]:
    return [service for service in plan.services if service.claim.gpus]


def _driver(facts: Facts) -> int | None:
    if facts.cards:
        return min(int(card.driver.partition(".")[0]) for card in facts.cards)
    return next((int(facts.labels[label]) for label in DRIVER if label in facts.labels), None)


def _family(facts: Facts) -> str | None:
    compute = [card.compute.partition(".")[0] for card in facts.cards or ()] or [facts.labels.get(COMPUTE, "")]
    by_compute = next((FAMILY_OF_COMPUTE.get(int(major)) for major in compute if major.isdigit()), None)
    return facts.labels.get(FAMILY, by_compute)


CHECKS = (
    Check(name="runtime class", look=runtime_class, of="gpu"),
    Check(name="GPUs", look=cards, of="gpu"),
    Check(name="time-slicing", look=time_slicing, of="gpu"),
    Check(name="driver", look=driver, of="gpu"),
    Check(name="GPU memory", look=memory, of="gpu"),
    Check(name="GPU free", look=free, of="gpu"),
    Check(name="sleep mode", look=sleep, of="gpu"),
)
