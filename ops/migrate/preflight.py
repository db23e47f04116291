"""Pre-flight checks of a migration; they change nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.plan.migration import MigrationPlan
from infra.settings.consumers import OwnServer
from ops.check_results import CheckResult
from ops.migrate.errors import StepError
from ops.migrate.objects import Objects, is_rolled_out
from ops.migrate.server_client import LATEST, MigrationServers, ServerClient

SEE_LOG = "read the log of the server"


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """Checks of the consumer's objects, then of both servers by real requests."""

    move: MigrationPlan
    objects: Objects
    servers: MigrationServers

    def results(self) -> Iterator[CheckResult]:
        """Yield one result for each check."""
        yield from self._config_maps()
        yield from self._deployments()
        yield from self._alias()
        yield from self._servers()

    def _config_maps(self) -> Iterator[CheckResult]:
        for name in self.move.values:
            keys, path = self.objects.keys(name), f"{self.objects.namespace}/{name}"
            if keys is None:
                yield _failure(
                    f"ConfigMap {name}", f"{path} does not exist", "deploy the consumer first, or correct configMaps"
                )
            else:
                yield _ok(f"ConfigMap {name}", f"{path} has {len(keys)} keys")

    def _deployments(self) -> Iterator[CheckResult]:
        own = self.move.migration.own
        servers = [own.deployment] if own and self.objects.deployment(own.deployment) is not None else []
        for name in (*self.move.migration.restarts, *servers):
            deployment, path = self.objects.deployment(name), f"{self.objects.namespace}/{name}"
            if deployment is None:
                yield _failure(
                    f"Deployment {name}", f"{path} does not exist", "deploy the consumer first, or correct its name"
                )
            elif not is_rolled_out(deployment):
                yield _failure(
                    f"Deployment {name}",
                    f"{path} is not ready",
                    "repair it first, so that a fault of the migration can be recognized",
                )
            else:
                replicas = deployment.spec.replicas
                yield _ok(f"Deployment {name}", f"{path} has {replicas} of {replicas} pods")

    def _alias(self) -> Iterator[CheckResult]:
        if not (alias := self.move.migration.alias):
            return
        service, path = self.objects.service(alias), f"{self.objects.namespace}/{alias}"
        if service is not None and service.spec.type != "ExternalName":
            yield _failure(f"alias {alias}", f"{path} is a Service of type {service.spec.type}", "choose another alias")
        else:
            yield _ok(f"alias {alias}", f"{path} {'is free' if service is None else 'is an alias already'}")

    def _servers(self) -> Iterator[CheckResult]:
        """Check the shared server, and the consumer's own, which made the stored vectors."""
        own = self.move.migration.own
        yield from _reachable(self.move.service.service_name, self._shared)
        if own and self.move.migration.verify.embeddings and self.objects.pods(own.deployment):
            yield from _reachable(own.deployment, lambda: self._own(own))

    def _shared(self) -> Iterator[CheckResult]:
        verify = self.move.migration.verify
        with self.servers.shared() as server:
            yield from _models(server, (*verify.embeddings, *verify.chat))
            yield from check_requests(server, verify.embeddings, verify.chat)

    def _own(self, own: OwnServer) -> Iterator[CheckResult]:
        with self.servers.own(own) as server:
            yield from check_requests(server, self.move.migration.verify.embeddings, ())


def check_requests(server: ServerClient, embeddings: dict[str, int], chat: tuple[str, ...]) -> Iterator[CheckResult]:
    """Send one real request for each model, and yield the result of each."""
    for model, dimensions in embeddings.items():
        yield _embeddings(server, model, dimensions)
    for model in chat:
        yield _chat(server, model)


def _models(server: ServerClient, models: tuple[str, ...]) -> Iterator[CheckResult]:
    available = server.models()
    for model in models:
        name = f"model {model} on {server.name}"
        if model.removesuffix(LATEST) in available:
            yield _ok(name, "available")
        else:
            listed = ", ".join(sorted(available)) or "none"
            yield _failure(
                name, f"missing; available: {listed}", f"add it to the service, or pull it: ollama pull {model}"
            )


def _embeddings(server: ServerClient, model: str, expected: int) -> CheckResult:
    name = f"embeddings of {model} on {server.name}"
    try:
        dimensions = server.dimensions(model)
    except StepError as error:
        return _failure(name, str(error), SEE_LOG)
    if dimensions != expected:
        return _failure(
            name,
            f"{dimensions} dimensions, not {expected}",
            "serve the model of the stored vectors, or correct verify.embeddings",
        )
    return _ok(name, f"{dimensions} dimensions")


def _chat(server: ServerClient, model: str) -> CheckResult:
    name = f"chat with {model} on {server.name}"
    try:
        return _ok(name, f"an answer of {len(server.chat(model))} characters")
    except StepError as error:
        return _failure(name, str(error), SEE_LOG)


def _reachable(name: str, check: Callable[[], Iterator[CheckResult]]) -> Iterator[CheckResult]:
    """Yield the results of *check*, or one failure for a server that cannot be reached."""
    try:
        yield from check()
    except StepError as error:
        yield _failure(f"server {name}", str(error), "deploy it, or wait until it is ready: see `synapse status`")


def _ok(name: str, says: str) -> CheckResult:
    return CheckResult(name=name, state="ok", says=says)


def _failure(name: str, says: str, do: str) -> CheckResult:
    return CheckResult(name=name, state="failure", says=says, do=do)
