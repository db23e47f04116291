"""What must be so before a consumer is moved; nothing is changed to find out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.plan.migration import Move
from infra.settings.consumers import OwnServer
from ops.check_results import CheckResult
from ops.migrate.errors import StepError
from ops.migrate.objects import Objects, is_rolled_out
from ops.migrate.server_client import LATEST, Server, Servers


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What is looked at: the consumer's objects, then both servers by real requests."""

    move: Move
    objects: Objects
    servers: Servers

    def findings(self) -> Iterator[CheckResult]:
        """One for everything that was looked at."""
        yield from self._config_maps()
        yield from self._deployments()
        yield from self._alias()
        yield from self._answers()

    def _config_maps(self) -> Iterator[CheckResult]:
        for name in self.move.values:
            found, where = self.objects.keys(name), f"{self.objects.namespace}/{name}"
            if found is None:
                yield _failure(
                    f"ConfigMap {name}", f"{where} is not there", "deploy the consumer first, or correct configMaps"
                )
            else:
                yield _ok(f"ConfigMap {name}", f"{where} has {len(found)} keys")

    def _deployments(self) -> Iterator[CheckResult]:
        own = self.move.migration.own
        servers = [own.deployment] if own and self.objects.deployment(own.deployment) is not None else []
        for name in (*self.move.migration.restarts, *servers):
            found, where = self.objects.deployment(name), f"{self.objects.namespace}/{name}"
            if found is None:
                yield _failure(
                    f"Deployment {name}", f"{where} is not there", "deploy the consumer first, or correct its name"
                )
            elif not is_rolled_out(found):
                yield _failure(
                    f"Deployment {name}",
                    f"{where} is not ready now",
                    "repair it first: nobody could tell what broke it",
                )
            else:
                yield _ok(f"Deployment {name}", f"{where} has {found.spec.replicas} of {found.spec.replicas} pods")

    def _alias(self) -> Iterator[CheckResult]:
        if not (alias := self.move.migration.alias):
            return
        found, where = self.objects.service(alias), f"{self.objects.namespace}/{alias}"
        if found is not None and found.spec.type != "ExternalName":
            yield _failure(f"alias {alias}", f"{where} is a Service of type {found.spec.type}", "choose another alias")
        else:
            yield _ok(f"alias {alias}", f"{where} {'is free' if found is None else 'is an alias already'}")

    def _answers(self) -> Iterator[CheckResult]:
        """Of the shared server, and of the consumer's own, whose vectors are in store."""
        own = self.move.migration.own
        yield from _reported(self.move.service.service_name, self._shared)
        if own and self.move.migration.verify.embeddings and self.objects.pods(own.deployment):
            yield from _reported(own.deployment, lambda: self._own(own))

    def _shared(self) -> Iterator[CheckResult]:
        verify = self.move.migration.verify
        with self.servers.shared() as server:
            yield from _present(server, (*verify.embeddings, *verify.chat))
            yield from answers(server, verify.embeddings, verify.chat)

    def _own(self, own: OwnServer) -> Iterator[CheckResult]:
        with self.servers.own(own) as server:
            yield from answers(server, self.move.migration.verify.embeddings, ())


def answers(server: Server, embeddings: dict[str, int], chat: tuple[str, ...]) -> Iterator[CheckResult]:
    """What a server answers to one real request for each model."""
    for model, wanted in embeddings.items():
        yield _dimensions(server, model, wanted)
    for model in chat:
        yield _said(server, model)


def _present(server: Server, models: tuple[str, ...]) -> Iterator[CheckResult]:
    there = server.models()
    for model in models:
        name = f"model {model} on {server.name}"
        if model.removesuffix(LATEST) in there:
            yield _ok(name, "there")
        else:
            listed = ", ".join(sorted(there)) or "none"
            yield _failure(
                name, f"not there; there are: {listed}", f"add it to the service, or pull it: ollama pull {model}"
            )


def _dimensions(server: Server, model: str, wanted: int) -> CheckResult:
    name = f"embeddings of {model} on {server.name}"
    try:
        found = server.dimensions(model)
    except StepError as error:
        return _failure(name, str(error), "see why it does not answer: its log says more")
    if found != wanted:
        return _failure(
            name,
            f"{found} dimensions, not {wanted}",
            "serve the model of the vectors in store, or correct verify.embeddings",
        )
    return _ok(name, f"{found} dimensions")


def _said(server: Server, model: str) -> CheckResult:
    name = f"chat with {model} on {server.name}"
    try:
        return _ok(name, f"said {len(server.said(model))} characters")
    except StepError as error:
        return _failure(name, str(error), "see why it does not answer: its log says more")


def _reported(name: str, looked: Callable[[], Iterator[CheckResult]]) -> Iterator[CheckResult]:
    """A server that cannot be reached at all is a finding too."""
    try:
        yield from looked()
    except StepError as error:
        yield _failure(f"server {name}", str(error), "deploy it, or wait until it is ready: see `synapse status`")


def _ok(name: str, says: str) -> CheckResult:
    return CheckResult(name=name, state="ok", says=says)


def _failure(name: str, says: str, do: str) -> CheckResult:
    return CheckResult(name=name, state="failure", says=says, do=do)
