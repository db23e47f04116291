"""What is wrong between two values of a stack file, each of which is accepted by itself."""

from collections.abc import Collection, Iterator, Mapping

from infra.catalog.cpu import ENGINES
from infra.catalog.kinds import CATALOG, backend_spec
from infra.plan.timeouts import TimeoutTier, inverted
from infra.quantities import BUILD
from infra.settings.model import Node, Settings
from infra.settings.schema import PREFIX
from infra.settings.services import EngineService, GatewayService, HearingService, OllamaService, Service
from infra.sizing.vram import ModelSpec

_CARDED = f"accepted: a `card` that names a built-in one (docs/vram.md), or a model described under {PREFIX}models"
OPERATED = frozenset({"prometheus", "alertmanager", "grafana"})
"""Kinds that a Prometheus operator brings itself."""


def validate(settings: Settings) -> Iterator[str]:
    """Each in one line: where, what, and what is accepted."""
    yield from _plugin_faults(settings.node, settings.services)
    yield from _timeout_faults(settings)
    yield from _build_faults(settings)
    for name, service in settings.services.items():
        yield from _engine_faults(name, service) or _image_faults(name, service, settings)
        if isinstance(service, GatewayService):
            yield from _auto_faults(name, service, settings.routes)
        if isinstance(service, EngineService):
            yield from _model_faults(name, service, settings.model_specs)
        if isinstance(service, OllamaService):
            unknown = [
                model.name for model in service.models if (model.model_spec or model.name) not in settings.model_specs
            ]
            yield from (f"services.{name}.models: {model!r} has no card; {_CARDED}" for model in unknown)
    yield from _monitoring_faults(settings)
    for route, targets in settings.routes.items():
        for target in targets:
            if target.service not in settings.services:
                known = ", ".join(settings.services)
                yield f"routes.{route}: got service {target.service!r}; accepted: one of services: {known}"
    for consumer, section in settings.consumers.items():
        if section.migration and section.migration.service not in settings.services:
            path, known = f"consumers.{consumer}.migration.service", ", ".join(settings.services)
            yield f"{path}: got {section.migration.service!r}; accepted: one of services: {known}"


def _build_faults(settings: Settings) -> Iterator[str]:
    if settings.build_host and not settings.registry:
        yield f"buildHost: has nowhere to push to; accepted: with {PREFIX}registry, or left out"


def _auto_faults(name: str, service: GatewayService, routes: Collection[str]) -> Iterator[str]:
    for key, model in (("autoModel", service.auto_model), ("autoCoderModel", service.auto_coder_model)):
        if model is not None and model not in routes:
            yield f"services.{name}.{key}: got {model!r}; accepted: one of routes: {', '.join(routes)}"


def _engine_faults(name: str, service: Service) -> list[str]:
    """What an engine of our own does not have: a kind, a GPU, or a vocabulary without one."""
    path, kind, is_cpu = f"services.{name}", service.kind or name, service.engine == "cpu"
    if is_cpu and kind not in ENGINES:
        return [f"{path}.engine: got 'cpu' for kind {kind}; accepted: a kind that has one: {', '.join(ENGINES)}"]
    if is_cpu and service.gpu_memory:
        return [f"{path}.gpuMemory: has no GPU to be taken of with engine: cpu; accepted: left out"]
    if isinstance(service, HearingService) and service.vocabulary and not is_cpu:
        return [f"{path}.vocabulary: got {service.vocabulary!r}; accepted: with engine: cpu, or left out"]
    return []


def _image_faults(name: str, service: Service, settings: Settings) -> Iterator[str]:
    """No image, or one that is to be built where it cannot be, or for no one."""
    path, entry = f"services.{name}.image", backend_spec(name, service)
    image, pinned = service.image or entry.image, "name[:tag]@sha256:<digest>, as your registry holds it"
    if image is None:
        made = f"{BUILD}, which makes it of {entry.source}/, or " if entry.source else ""
        yield f"{path}: missing; accepted: {made}{pinned}"
    elif image == BUILD and entry.source is None:
        sources = ", ".join(kind for kind, other in CATALOG.items() if other.source)
        yield f"{path}: got {BUILD!r}, but not its source; accepted: {pinned}, or {BUILD} for {sources} and engine: cpu"
    elif image == BUILD and not (settings.node.embedded or settings.registry):
        yield (
            f"{path}: is built, and there is nowhere to hand it to; accepted: with {PREFIX}registry, with "
            f"{PREFIX}node.embedded: true, or {pinned}"
        )


def _plugin_faults(node: Node, services: Mapping[str, Service]) -> Iterator[str]:
    """What the device plugin cannot do: it serves every card alike, and gives a pod one share of one."""
    shares = sorted({gpu.shares for gpu in node.gpus})
    if not node.device_plugin:
        return
    if len(shares) != 1:
        found = f"with {' and '.join(map(str, shares))} shares" if shares else "none"
        yield f"node.gpus: got {found}; accepted: one or more with the same shares where devicePlugin is true"
    for name, service in services.items():
        if shares and shares[-1] > 1 and (service.gpus or 0) > 1:
            yield f"services.{name}: got {service.gpus} GPUs; accepted: 1, since a pod gets one share of one card"


def _timeout_faults(settings: Settings) -> Iterator[str]:
    for outer, inner in inverted(list(_waits(settings))):
        yield (
            f"{outer.holder}: got {outer.seconds}; accepted: {inner.seconds} or more, since so long may be taken by "
            f"what is behind it: {inner.holder}"
        )


def _waits(settings: Settings) -> Iterator[TimeoutTier[str]]:
    for name, service in settings.services.items():
        entry = CATALOG[service.kind or name]
        if entry.tier:
            seconds = service.timeout_s or entry.timeout_s
            yield TimeoutTier(holder=f"services.{name}.timeoutS", tier=entry.tier, seconds=seconds)
    if settings.ingress:
        yield TimeoutTier(holder="ingress.timeoutS", tier="ingress", seconds=settings.ingress.timeout_s)


def _model_faults(name: str, service: EngineService, model_specs: Mapping[str, ModelSpec]) -> Iterator[str]:
    model_spec = model_specs.get(service.model)
    if model_spec is None:
        yield (
            f"services.{name}.model: got {service.model!r}, whose size is not known; accepted: "
            f"{', '.join(model_specs)}, or a model described under {PREFIX}models"
        )
    elif service.context_tokens > model_spec.context_tokens:
        yield (
            f"services.{name}.contextTokens: got {service.context_tokens}; "
            f"accepted: at most {model_spec.context_tokens}, the longest context of {service.model}"
        )


def _monitoring_faults(settings: Settings) -> Iterator[str]:
    """A second Prometheus beside the operator's, or a part without the one that it works for."""
    names = {service.kind or name: name for name, service in settings.services.items()}
    for kind in OPERATED & names.keys() if settings.monitoring.operator else ():
        yield (
            f"services.{names[kind]}: the operator of {PREFIX}monitoring.operator runs one already; "
            f"accepted: monitoring.operator: false, or no service of kind {', '.join(sorted(OPERATED))}"
        )
    if "grafana" in names and "prometheus" not in names:
        yield f"services.{names['grafana']}: has nothing to draw; accepted: with a service of kind prometheus"
    if settings.monitoring.webhook and "alertmanager" not in names:
        yield "monitoring.webhook: nothing sends to it; accepted: with a service of kind alertmanager"
