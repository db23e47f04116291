"""Validation of `arguments` and `environment` of a service: what the stack derives is not said a second time."""

from collections.abc import Iterator

from infra.catalog.kinds import backend_spec
from infra.catalog.spec import BackendSpec
from infra.settings.services import Service

LEFT_OUT = "left out: the stack sets it"


def errors(name: str, service: Service) -> Iterator[str]:
    """Yield one line for each argument and each variable of the service *name* that the stack sets itself."""
    spec = backend_spec(name, service)
    path = f"services.{name}"
    if service.arguments and not takes_arguments(spec, service):
        yield f"{path}.arguments: kind {spec.kind} has no command line; accepted: left out, or `environment` instead"
    for flag in sorted(_flags(service.arguments) & _flags(spec.arguments)):
        yield f"{path}.arguments: got {flag}; accepted: {_key(flag, service)}"
    secrets = {secret.variable for secret in spec.secrets}
    derived = {*spec.environment, *service.derived_environment, *service.derived_variables, spec.thread_variable}
    for variable in service.environment:
        if variable in secrets:
            yield f"{path}.environment.{variable}: is a secret; accepted: `synapse secret set`, and left out here"
        elif variable in derived:
            key = service.derived_variables.get(variable)
            yield f"{path}.environment.{variable}: accepted: {f'the key {key} of the service' if key else LEFT_OUT}"


def takes_arguments(spec: BackendSpec, service: Service) -> bool:
    """Return True for a kind whose command line Synapse writes, so that arguments have a place in it."""
    return bool(spec.arguments or spec.command or service.writes_flags)


def _key(flag: str, service: Service) -> str:
    key = service.derived_flags.get(flag.lstrip("-"))
    return f"the key {key} of the service" if key else LEFT_OUT


def _flags(arguments: tuple[str, ...]) -> set[str]:
    return {word.partition("=")[0] for word in arguments if word.startswith("-")}
