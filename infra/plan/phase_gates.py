"""Phase gates: refuse a phase while a consumer still depends on what the phase takes away."""

from collections.abc import Iterator

from infra.catalog.gateway import GATEWAY_KINDS
from infra.errors import PhaseError
from infra.settings.consumers import Consumer
from infra.settings.model import Settings

GPU_PHASE = 2
SECURITY_PHASE = 5
_DENIES = f"phase {SECURITY_PHASE} denies requests that bypass the gateway"


def check(settings: Settings) -> None:
    """Raise PhaseError with a line for each consumer that is not ready for the phase."""
    lines: list[str] = []
    for name, consumer in settings.consumers.items():
        label, key = f"{name} (namespace {consumer.namespace})", f"synapse:consumers.{name}"
        if settings.phase >= GPU_PHASE:
            lines += gpu_held(consumer, label, key)
        if settings.phase >= SECURITY_PHASE:
            lines += [*bypasses_gateway(consumer, label, key), *_migrates_to_backend(consumer, label, key, settings)]
    if lines:
        raise PhaseError("\n".join(lines))


def gpu_held(consumer: Consumer, label: str, key: str) -> Iterator[str]:
    """Yield a message while the consumer claims the GPU."""
    if consumer.holds_gpu:
        yield (
            f"phase {GPU_PHASE} needs the GPU that {label} still claims for its own Ollama: "
            f"move it to the central one, scale its own to 0, then set {key}.holdsGpu: false; "
            f"until then deploy phase {GPU_PHASE - 1}"
        )


def bypasses_gateway(consumer: Consumer, label: str, key: str) -> Iterator[str]:
    """Yield a message while the consumer calls backends directly."""
    if consumer.direct_urls:
        yield (
            f"{_DENIES}, and {label} still calls {', '.join(consumer.direct_urls)}: "
            f"move it to the gateway's address, then empty {key}.directUrls; "
            f"until then deploy phase {SECURITY_PHASE - 1}"
        )


def _migrates_to_backend(consumer: Consumer, label: str, key: str, settings: Settings) -> Iterator[str]:
    kinds = {name: service.kind or name for name, service in settings.services.items()}
    if consumer.migration and kinds[consumer.migration.service] not in GATEWAY_KINDS:
        gateways = " or ".join(name for name, kind in kinds.items() if kind in GATEWAY_KINDS)
        yield (
            f"{_DENIES}, and the migration of {label} leads to {consumer.migration.service}: "
            f"set {key}.migration.service to {gateways or 'a gateway of the stack'}, and its configMaps to its models; "
            f"until then deploy phase {SECURITY_PHASE - 1}"
        )
