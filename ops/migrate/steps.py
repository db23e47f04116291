"""The steps of a move and of the way back. Each can be looked up on the cluster, and done again without harm."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.plan.migration import MigrationPlan
from ops.check_results import failed
from ops.migrate.errors import StepError
from ops.migrate.objects import Objects, is_rolled_out
from ops.migrate.preflight import answers
from ops.migrate.record import Before, Record
from ops.migrate.server_client import Servers


@dataclass(frozen=True, kw_only=True)
class Step:
    """*says*: what it does, for a person; *do* raises StepError; *is_done*: whether the cluster has it already."""

    name: str
    says: str
    do: Callable[[], None]
    is_done: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What there is to do for *record*, in order."""

    move: MigrationPlan
    objects: Objects
    servers: Servers
    record: Record

    def forward(self) -> Iterator[Step]:
        """The alias, the keys, the restarts that make them count, and requests that must be answered."""
        migration = self.move.migration
        if migration.alias:
            yield self._alias(migration.alias, self.move.host)
        for name, values in self.move.values.items():
            yield self._keys(name, values)
        for name in migration.restarts:
            yield self._restart(name, self.record.mark)
        yield Step(name="verify", says=self._asks(), do=self._verify, is_done=lambda: False)

    def backward(self) -> Iterator[Step]:
        """Its own server runs again before the consumer is sent back to it; the alias goes when nobody uses it."""
        before, own = self.record.before, self.move.migration.own
        if own and before.own_replicas:
            yield self._scale(own.deployment, before.own_replicas)
        for name, values in before.config_maps.items():
            yield self._keys(name, values)
        for name, mark in before.marks.items():
            yield self._restart(name, mark)
        for alias, host in before.aliases.items():
            yield self._alias(alias, host)

    def stop(self) -> Iterator[Step]:
        """The consumer's own server gives back what it holds."""
        if own := self.move.migration.own:
            yield self._scale(own.deployment, 0)

    def delete(self) -> Iterator[Step]:
        """Nothing of it is left that the settings name."""
        own, objects = self.move.migration.own, self.objects
        if own is None:
            return
        yield self._gone("Deployment", own.deployment, objects.delete_deployment, objects.deployment)
        if own.service:
            yield self._gone("Service", own.service, objects.delete_service, objects.service)
        if own.claim:
            yield self._gone("claim", own.claim, objects.delete_claim, objects.claim)

    def _alias(self, alias: str, host: str | None) -> Step:
        return Step(
            name=f"alias {alias}",
            says=f"{alias} stands for {host}" if host else f"{alias} is taken away",
            do=lambda: self.objects.set_alias(alias, host),
            is_done=lambda: self.objects.alias(alias) == host,
        )

    def _keys(self, config_map: str, values: dict[str, str] | dict[str, str | None]) -> Step:
        wanted = dict(values.items())
        return Step(
            name=f"keys {config_map}",
            says=", ".join(f"{key}={value}" if value is not None else f"no {key}" for key, value in wanted.items()),
            do=lambda: self.objects.set_keys(config_map, wanted),
            is_done=lambda: _holds(self.objects.keys(config_map), wanted),
        )

    def _restart(self, deployment: str, mark: str | None) -> Step:
        def restart() -> None:
            self.objects.set_mark(deployment, mark)
            self.objects.wait(deployment, self.move.migration.ready_s)

        return Step(
            name=f"restart {deployment}",
            says=f"new pods for {deployment}, one after the other, until all are ready",
            do=restart,
            is_done=lambda: self._is_restarted(deployment, mark),
        )

    def _is_restarted(self, deployment: str, mark: str | None) -> bool:
        found = self.objects.deployment(deployment)
        return found is not None and self.objects.mark(deployment) == mark and is_rolled_out(found)

    def _scale(self, deployment: str, replicas: int) -> Step:
        def scale() -> None:
            self.objects.scale(deployment, replicas)
            self.objects.wait(deployment, self.move.migration.ready_s)
            if not replicas:
                self.objects.wait_gone(deployment, self.move.migration.ready_s)

        return Step(
            name=f"scale {deployment}",
            says=f"{deployment} has {replicas} pods",
            do=scale,
            is_done=lambda: self._is_scaled(deployment, replicas),
        )

    def _is_scaled(self, deployment: str, replicas: int) -> bool:
        found = self.objects.deployment(deployment)
        return found is not None and found.spec.replicas == replicas and is_rolled_out(found)

    def _gone(self, kind: str, name: str, delete: Callable[[str], None], find: Callable[[str], object]) -> Step:
        def gone() -> None:
            delete(name)
            self.objects.wait_absent(find, name, self.move.migration.ready_s)

        return Step(
            name=f"delete {kind} {name}",
            says=f"{kind} {self.objects.namespace}/{name} is deleted",
            do=gone,
            is_done=lambda: find(name) is None,
        )

    def _asks(self) -> str:
        verify = self.move.migration.verify
        models = ", ".join((*verify.embeddings, *verify.chat)) or "its list of models"
        inside = "".join(f"; {' '.join(command)} in {name}" for name, command in verify.inside.items())
        return f"{self.move.service.service_name} is asked for {models}{inside}"

    def _verify(self) -> None:
        verify = self.move.migration.verify
        with self.servers.shared() as server:
            server.models()
            wrong = failed(list(answers(server, verify.embeddings, verify.chat)))
        if wrong:
            raise StepError("; ".join(f"{found.name}: {found.says}" for found in wrong))
        for deployment, command in verify.inside.items():
            self.objects.run(deployment, command, verify.within_s)


def before(move: MigrationPlan, objects: Objects) -> Before:
    """What a move is about to change, as it is now. Raises StepError for what is not there."""
    own = move.migration.own
    server = objects.deployment(own.deployment) if own else None
    return Before(
        config_maps={name: _now(objects, name, values) for name, values in move.values.items()},
        aliases={alias: objects.alias(alias) for alias in (move.migration.alias,) if alias},
        marks={name: objects.mark(name) for name in move.migration.restarts},
        own_replicas=server.spec.replicas if server is not None else None,
    )


def _now(objects: Objects, config_map: str, values: dict[str, str]) -> dict[str, str | None]:
    found = objects.keys(config_map)
    if found is None:
        raise StepError(f"ConfigMap {objects.namespace}/{config_map} is not there; deploy the consumer first")
    return {key: found.get(key) for key in values}


def _holds(found: dict[str, str] | None, wanted: dict[str, str | None]) -> bool:
    return found is not None and all(found.get(key) == value for key, value in wanted.items())
