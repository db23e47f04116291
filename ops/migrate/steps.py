"""Steps of a migration and of its rollback. Each can be checked on the cluster and repeated without harm."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.plan.migration import MigrationPlan
from ops.check_results import failed
from ops.migrate.errors import StepError
from ops.migrate.objects import Objects, is_rolled_out
from ops.migrate.preflight import check_requests
from ops.migrate.record import MigrationRecord, SavedValues
from ops.migrate.server_client import MigrationServers


@dataclass(frozen=True, kw_only=True)
class MigrationStep:
    """One step. *description*: its effect, for people; *do* raises StepError; *is_done* checks the cluster."""

    name: str
    description: str
    do: Callable[[], None]
    is_done: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class MigrationSteps:
    """Steps for *record*, in their order."""

    move: MigrationPlan
    objects: Objects
    servers: MigrationServers
    record: MigrationRecord

    def forward(self) -> Iterator[MigrationStep]:
        """Yield the alias, the keys, the restarts that apply them, and the verification by requests."""
        migration = self.move.migration
        if migration.alias:
            yield self._alias(migration.alias, self.move.host)
        for name, values in self.move.values.items():
            yield self._keys(name, values)
        for name in migration.restarts:
            yield self._restart(name, self.record.mark)
        yield MigrationStep(name="verify", description=self._verification(), do=self._verify, is_done=lambda: False)

    def backward(self) -> Iterator[MigrationStep]:
        """Yield the rollback: first its own server, so that the consumer can use it; last the alias, then unused."""
        before, own = self.record.before, self.move.migration.own
        if own and before.own_replicas:
            yield self._scale(own.deployment, before.own_replicas)
        for name, values in before.config_maps.items():
            yield self._keys(name, values)
        for name, mark in before.marks.items():
            yield self._restart(name, mark)
        for alias, host in before.aliases.items():
            yield self._alias(alias, host)

    def decommission(self) -> Iterator[MigrationStep]:
        """Yield the stop of the consumer's own server."""
        if own := self.move.migration.own:
            yield self._scale(own.deployment, 0)

    def delete(self) -> Iterator[MigrationStep]:
        """Yield the deletion of all objects of the old server that the settings name."""
        own, objects = self.move.migration.own, self.objects
        if own is None:
            return
        yield self._delete("Deployment", own.deployment, objects.delete_deployment, objects.deployment)
        if own.service:
            yield self._delete("Service", own.service, objects.delete_service, objects.service)
        if own.claim:
            yield self._delete("claim", own.claim, objects.delete_claim, objects.claim)

    def _alias(self, alias: str, host: str | None) -> MigrationStep:
        return MigrationStep(
            name=f"alias {alias}",
            description=f"{alias} points to {host}" if host else f"{alias} is deleted",
            do=lambda: self.objects.set_alias(alias, host),
            is_done=lambda: self.objects.alias(alias) == host,
        )

    def _keys(self, config_map: str, values: dict[str, str] | dict[str, str | None]) -> MigrationStep:
        target = dict(values.items())
        return MigrationStep(
            name=f"keys {config_map}",
            description=", ".join(
                f"{key}={value}" if value is not None else f"no {key}" for key, value in target.items()
            ),
            do=lambda: self.objects.set_keys(config_map, target),
            is_done=lambda: _matches(self.objects.keys(config_map), target),
        )

    def _restart(self, deployment: str, mark: str | None) -> MigrationStep:
        def restart() -> None:
            self.objects.set_mark(deployment, mark)
            self.objects.wait(deployment, self.move.migration.ready_s)

        return MigrationStep(
            name=f"restart {deployment}",
            description=f"new pods for {deployment}, one after the other, until all are ready",
            do=restart,
            is_done=lambda: self._is_restarted(deployment, mark),
        )

    def _is_restarted(self, deployment: str, mark: str | None) -> bool:
        current = self.objects.deployment(deployment)
        return current is not None and self.objects.mark(deployment) == mark and is_rolled_out(current)

    def _scale(self, deployment: str, replicas: int) -> MigrationStep:
        def scale() -> None:
            self.objects.scale(deployment, replicas)
            self.objects.wait(deployment, self.move.migration.ready_s)
            if not replicas:
                self.objects.wait_gone(deployment, self.move.migration.ready_s)

        return MigrationStep(
            name=f"scale {deployment}",
            description=f"{deployment} has {replicas} pods",
            do=scale,
            is_done=lambda: self._is_scaled(deployment, replicas),
        )

    def _is_scaled(self, deployment: str, replicas: int) -> bool:
        current = self.objects.deployment(deployment)
        return current is not None and current.spec.replicas == replicas and is_rolled_out(current)

    def _delete(
        self, kind: str, name: str, delete: Callable[[str], None], find: Callable[[str], object]
    ) -> MigrationStep:
        def remove() -> None:
            delete(name)
            self.objects.wait_absent(find, name, self.move.migration.ready_s)

        return MigrationStep(
            name=f"delete {kind} {name}",
            description=f"{kind} {self.objects.namespace}/{name} is deleted",
            do=remove,
            is_done=lambda: find(name) is None,
        )

    def _verification(self) -> str:
        verify = self.move.migration.verify
        models = ", ".join((*verify.embeddings, *verify.chat)) or "the list of models"
        inside = "".join(f"; {' '.join(command)} in {name}" for name, command in verify.inside.items())
        return f"requests to {self.move.service.service_name}: {models}{inside}"

    def _verify(self) -> None:
        verify = self.move.migration.verify
        with self.servers.shared() as server:
            server.models()
            failures = failed(list(check_requests(server, verify.embeddings, verify.chat)))
        if failures:
            raise StepError("; ".join(f"{each.name}: {each.says}" for each in failures))
        for deployment, command in verify.inside.items():
            self.objects.run(deployment, command, verify.within_s)


def save_values(move: MigrationPlan, objects: Objects) -> SavedValues:
    """Return the current values of all that a migration changes. Raises StepError if an object is missing."""
    own = move.migration.own
    server = objects.deployment(own.deployment) if own else None
    return SavedValues(
        config_maps={name: _current(objects, name, values) for name, values in move.values.items()},
        aliases={alias: objects.alias(alias) for alias in (move.migration.alias,) if alias},
        marks={name: objects.mark(name) for name in move.migration.restarts},
        own_replicas=server.spec.replicas if server is not None else None,
    )


def _current(objects: Objects, config_map: str, values: dict[str, str]) -> dict[str, str | None]:
    current = objects.keys(config_map)
    if current is None:
        raise StepError(f"ConfigMap {objects.namespace}/{config_map} does not exist; deploy the consumer first")
    return {key: current.get(key) for key in values}


def _matches(current: dict[str, str] | None, target: dict[str, str | None]) -> bool:
    return current is not None and all(current.get(key) == value for key, value in target.items())
