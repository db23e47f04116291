"""What the projects that use the platform still do by themselves, and the phases that must wait for them."""

from collections.abc import Iterator

from infra.catalog.gateway import GATEWAY_KINDS
from infra.errors import PhaseError
from infra.settings.consumers import Consumer
from infra.settings.model import Settings

GPU_PHASE = 2
SECURITY_PHASE = 5
_DENIES = f"phase {SECURITY_PHASE} denies what does not go through the gateway"


def check(settings: Settings) -> None:
    """Raise PhaseError, with a line for each consumer, when the phase takes away something that it still needs."""
    lines: list[str] = []
    for name, consumer in settings.consumers.items():
        where, key = f"{name} (namespace {consumer.namespace})", f"synapse:consumers.{name}"
        if settings.phase >= GPU_PHASE:
            lines += _holding(consumer, where, key)
        if settings.phase >= SECURITY_PHASE:
            lines += [*_going_around(consumer, where, key), *_moved_to_a_backend(consumer, where, key, settings)]
    if lines:
        raise PhaseError("\n".join(lines))


def _holding(consumer: Consumer, where: str, key: str) -> Iterator[str]:
    if consumer.holds_gpu:
        yield (
            f"phase {GPU_PHASE} needs the GPU that {where} still claims for an Ollama of its own: "
            f"move it to the central one, scale its own to 0, then set {key}.holdsGpu: false; "
            f"until then deploy phase {GPU_PHASE - 1}"
        )


def _going_around(consumer: Consumer, where: str, key: str) -> Iterator[str]:
    if consumer.direct_urls:
        yield (
            f"{_DENIES}, and {where} still calls {', '.join(consumer.direct_urls)}: "
            f"move it to the gateway's address, then empty {key}.directUrls; "
            f"until then deploy phase {SECURITY_PHASE - 1}"
        )


def _moved_to_a_backend(consumer: Consumer, where: str, key: str, settings: Settings) -> Iterator[str]:
    kinds = {name: service.kind or name for name, service in settings.services.items()}
    if consumer.migration and kinds[consumer.migration.service] not in GATEWAY_KINDS:
        entries = " or ".join(name for name, kind in kinds.items() if kind in GATEWAY_KINDS) or "a gateway of the stack"
        yield (
            f"{_DENIES}, and {where} is pointed at {consumer.migration.service} by its migration: "
            f"set {key}.migration.service to {entries}, and its configMaps to what that serves; "
            f"until then deploy phase {SECURITY_PHASE - 1}"
        )
