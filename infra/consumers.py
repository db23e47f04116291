"""What the projects that use the platform still do by themselves, and the phases that must wait for them."""

from collections.abc import Iterator, Mapping

from infra.errors import PhaseError
from infra.sections import Consumer

GPU_PHASE = 2
SECURITY_PHASE = 5


def check(consumers: Mapping[str, Consumer], phase: int) -> None:
    """Raise PhaseError, with a line for each consumer, when *phase* would take something away that one still needs."""
    if waiting := [line for name, consumer in consumers.items() for line in _waiting(name, consumer, phase)]:
        raise PhaseError("\n".join(waiting))


def _waiting(name: str, consumer: Consumer, phase: int) -> Iterator[str]:
    where, key = f"{name} (namespace {consumer.namespace})", f"synapse:consumers.{name}"
    if phase >= GPU_PHASE and consumer.holds_gpu:
        yield (
            f"phase {GPU_PHASE} needs the GPU that {where} still claims for an Ollama of its own: "
            f"move it to the central one, scale its own to 0, then set {key}.holdsGpu: false; "
            f"until then deploy phase {GPU_PHASE - 1}"
        )
    if phase >= SECURITY_PHASE and consumer.direct_urls:
        yield (
            f"phase {SECURITY_PHASE} denies what does not go through the gateway, and {where} still calls "
            f"{', '.join(consumer.direct_urls)}: move it to the gateway's address, then empty {key}.directUrls; "
            f"until then deploy phase {SECURITY_PHASE - 1}"
        )
