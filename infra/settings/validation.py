"""Cross-field validation of a stack file: values that are accepted alone, and contradict each other."""

from collections.abc import Iterator
from typing import Final

from infra.catalog import cpu, cuda, licences
from infra.catalog.kinds import CATALOG, OPERATED, backend_spec
from infra.plan.timeouts import TimeoutTier, inverted
from infra.quantities import BUILD, PLACEHOLDER
from infra.settings import added_arguments
from infra.settings.engine_services import DEFAULT_MODEL
from infra.settings.model import Node, Settings
from infra.settings.names import PREFIX
from infra.settings.registry import REGISTRY_PASSWORD
from infra.settings.services import Service

ENGINES: Final = {"cpu": cpu.ENGINES, "cuda": cuda.ENGINES}
"""Value of `engine` -> the kinds that it serves."""
HUB_TOKEN: Final = "hfToken"  # noqa: S105 - the name of a key
"""Key of the token for the Hugging Face hub."""
GATED: Final = "the hub gives only to an account that accepted its licence"
TOKEN: Final = (
    f"with the token of such an account (`synapse secret set {HUB_TOKEN}`, or "
    f"`pulumi config set --secret {PREFIX}{HUB_TOKEN}`)"
)


def validate(settings: Settings) -> Iterator[str]:
    """Yield one line for each contradiction: the path, the value, and what is accepted."""
    yield from _device_plugin_errors(settings.node, settings.services)
    yield from _timeout_errors(settings)
    if settings.build_host and settings.node.embedded and not settings.registry:
        yield (
            f"buildHost: cannot import into the private cluster of {PREFIX}node.embedded: true; "
            f"accepted: with {PREFIX}registry, or left out"
        )
    for name, service in settings.services.items():
        yield from _engine_errors(name, service) or (
            *_image_errors(name, service),
            *added_arguments.errors(name, service),
        )
        for error in service.errors(settings.model_specs, settings.routes):
            yield f"services.{name}.{error}"
        yield from _licence_errors(name, service, settings)
    yield from _monitoring_errors(settings)
    yield from _reference_errors(settings)


def missing_secrets(settings: Settings) -> Iterator[str]:
    """Yield one line for each value that needs a secret which is not set, or a secret that needs another value.

    The names in `settings.secrets` must include those that an engine keeps outside the stack file.
    """
    yield from _login_errors(settings)
    for name, service in settings.services.items():
        yield from _gated_errors(name, service, settings)


def _login_errors(settings: Settings) -> Iterator[str]:
    """Yield the missing part of a login to the registry: the registry itself, the user, or the password."""
    user, has_password = settings.registry_user, REGISTRY_PASSWORD in settings.secrets
    if user and not settings.registry:
        yield f"registryUser: got {user!r}, without a registry; accepted: with {PREFIX}registry, or left out"
    if user and not has_password:
        secret = f"{PREFIX}{REGISTRY_PASSWORD}"
        yield f"registryUser: got {user!r}, without a password; accepted: with the secret {secret}, or left out"
    if has_password and not user:
        yield f"{REGISTRY_PASSWORD}: is set, without a user; accepted: with {PREFIX}registryUser, or left out"


def _reference_errors(settings: Settings) -> Iterator[str]:
    """Yield the routes and migrations that name a service which is not in the stack file."""
    accepted = f"accepted: one of services: {', '.join(settings.services)}"
    for route, targets in settings.routes.items():
        for target in targets:
            if target.service not in settings.services:
                yield f"routes.{route}: got service {target.service!r}; {accepted}"
    for name, consumer in settings.consumers.items():
        if consumer.migration and consumer.migration.service not in settings.services:
            yield f"consumers.{name}.migration.service: got {consumer.migration.service!r}; {accepted}"


def _engine_errors(name: str, service: Service) -> list[str]:
    """Return what an engine of this repository lacks: a kind that it serves, or a GPU."""
    path, kind, engine = f"services.{name}", service.kind or name, service.engine
    if engine and kind not in ENGINES[engine]:
        kinds = ", ".join(ENGINES[engine])
        return [f"{path}.engine: got {engine!r} for kind {kind}; accepted: a kind with such an engine: {kinds}"]
    if engine == "cpu" and service.gpu_memory:
        return [f"{path}.gpuMemory: has no GPU with engine: cpu; accepted: left out"]
    return []


def _image_errors(name: str, service: Service) -> Iterator[str]:
    """Yield a missing image, an image that nobody has published, and one that cannot be built."""
    path, spec = f"services.{name}.image", backend_spec(name, service)
    image, pinned = service.image or spec.image, "name[:tag]@sha256:<digest>, as your registry reports it"
    built = f"{BUILD}, which builds it from {spec.source}/, or " if spec.source else ""
    engines = " or ".join(engine for engine, kinds in ENGINES.items() if spec.kind in kinds)
    ours = f"left out with engine: {engines}, or " if engines else ""
    if image is None:
        yield f"{path}: missing; accepted: {built or ours}{pinned}"
    elif image.endswith(PLACEHOLDER):
        yield f"{path}: got {image}, a placeholder: no image has this digest; accepted: {built or ours}{pinned}"
    elif image == BUILD and spec.source is None:
        sources = ", ".join(kind for kind, other in CATALOG.items() if other.source)
        yield (
            f"{path}: got {BUILD!r}, but not its source; accepted: {pinned}, or {BUILD} for {sources} and with "
            "engine: cpu or cuda"
        )


def _licence_errors(name: str, service: Service, settings: Settings) -> Iterator[str]:
    """Yield the models whose licence forbids commercial use, unless the stack file allows that licence."""
    allowed = {each.lower() for each in settings.allow_licences}
    for model in service.served_models():
        spec = settings.model_specs.get(model.model_spec)
        licence = licences.find(spec.licence) if spec and spec.licence else None
        if licence and not licence.is_commercial and licence.name.lower() not in allowed:
            yield (
                f"services.{name}: got model {model.name!r}, whose licence {licence.name} forbids commercial use; "
                f"accepted: another model, or {PREFIX}allowLicences with {licence.name}, for use that it permits"
            )


def _gated_errors(name: str, service: Service, settings: Settings) -> Iterator[str]:
    """Yield the models that the hub refuses to the service: gated ones, in a stack without a token."""
    if HUB_TOKEN in settings.secrets:
        return
    for file in backend_spec(name, service).downloads:
        if file.is_gated and not file.is_part:
            yield (
                f"services.{name}.engine: got {service.engine!r}, whose model {file.model} {GATED}; accepted: {TOKEN}, "
                "or engine: cpu, whose model needs none"
            )
    takes_token = any(secret.config_key == HUB_TOKEN for secret in CATALOG[service.kind or name].secrets)
    specs = settings.model_specs if takes_token and service.engine is None else {}
    for model in service.served_models():
        if model.model_spec in specs and specs[model.model_spec].gated:
            yield (
                f"services.{name}.model: got {model.name!r}, which {GATED}; accepted: {TOKEN}, "
                f"or a model that needs none, such as {DEFAULT_MODEL}"
            )


def _device_plugin_errors(node: Node, services: dict[str, Service]) -> Iterator[str]:
    """Yield what the device plugin cannot do: different shares on two GPUs, or several shares for one pod."""
    shares = sorted({gpu.shares for gpu in node.gpus})
    if not node.device_plugin:
        return
    if len(shares) != 1:
        got = f"with {' and '.join(map(str, shares))} shares" if shares else "none"
        yield f"node.gpus: got {got}; accepted: one or more with the same shares where devicePlugin is true"
    for name, service in services.items():
        if shares and shares[-1] > 1 and (service.gpus or 0) > 1:
            yield f"services.{name}: got {service.gpus} GPUs; accepted: 1, since a pod gets one share of one GPU"


def _timeout_errors(settings: Settings) -> Iterator[str]:
    for outer, inner in inverted(list(_timeout_tiers(settings))):
        yield (
            f"{outer.holder}: got {outer.seconds}; accepted: {inner.seconds} or more, "
            f"the timeout of the tier behind it: {inner.holder}"
        )


def _timeout_tiers(settings: Settings) -> Iterator[TimeoutTier[str]]:
    for name, service in settings.services.items():
        spec = CATALOG[service.kind or name]
        if spec.tier:
            seconds = service.timeout_s or spec.timeout_s
            yield TimeoutTier(holder=f"services.{name}.timeoutS", tier=spec.tier, seconds=seconds)
    if settings.ingress:
        yield TimeoutTier(holder="ingress.timeoutS", tier="ingress", seconds=settings.ingress.timeout_s)


def _monitoring_errors(settings: Settings) -> Iterator[str]:
    """Yield a second Prometheus beside the operator's, and a part without the one that it needs."""
    names = {service.kind or name: name for name, service in settings.services.items()}
    for kind in OPERATED & names.keys() if settings.monitoring.operator else ():
        yield (
            f"services.{names[kind]}: the operator of {PREFIX}monitoring.operator runs one already; "
            f"accepted: monitoring.operator: false, or no service of kind {', '.join(sorted(OPERATED))}"
        )
    if "grafana" in names and "prometheus" not in names:
        yield f"services.{names['grafana']}: has no data source; accepted: with a service of kind prometheus"
    if settings.monitoring.webhook and "alertmanager" not in names:
        yield "monitoring.webhook: has no sender; accepted: with a service of kind alertmanager"
