"""Migration plan of a consumer: the new values of its settings, which follow from the plan of the stack."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from infra.errors import SettingsError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.consumers import Consumer, MigrationSection

URL = "{url}"


@dataclass(frozen=True, kw_only=True)
class MigrationPlan:
    """Migration of the consumer *name* to a service in *namespace*."""

    name: str
    consumer: Consumer
    migration: MigrationSection
    service: ServicePlan
    namespace: str

    @property
    def host(self) -> str:
        """Host of the service, which the alias points to."""
        return self.service.address(self.namespace).partition(":")[0]

    @property
    def values(self) -> dict[str, dict[str, str]]:
        """ConfigMap -> key -> new value, with the address of the service filled in."""
        url = f"http://{self.service.address(self.namespace)}"
        return {
            name: {key: value.replace(URL, url) for key, value in keys.items()}
            for name, keys in self.migration.config_maps.items()
        }

    @property
    def digest(self) -> str:
        """Digest of the values and of the alias; a change requires a restart."""
        text = json.dumps([self.values, self.migration.alias, self.service.address(self.namespace)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def migration_plans(plan: Plan) -> Iterator[MigrationPlan]:
    """Yield the migration plans whose service is deployed."""
    services = {service.name: service for service in plan.services}
    for name, consumer in plan.settings.consumers.items():
        migration = consumer.migration
        if migration and migration.service in services:
            yield MigrationPlan(
                name=name,
                consumer=consumer,
                migration=migration,
                service=services[migration.service],
                namespace=plan.settings.namespace,
            )


def migration_plan(plan: Plan, name: str) -> MigrationPlan:
    """Return the migration plan of the consumer *name* for `synapse migrate`. Raises SettingsError."""
    consumers = plan.settings.consumers
    if name not in consumers:
        accepted = ", ".join(consumers) or "none: synapse:consumers is empty"
        raise SettingsError(f"no consumer {name!r}; accepted: {accepted}")
    migration, key = consumers[name].migration, f"synapse:consumers.{name}.migration"
    if migration is None or migration.by != "command":
        raise SettingsError(f"{key}.by: got {migration.by if migration else None!r}; accepted: command")
    match = next((each for each in migration_plans(plan) if each.name == name), None)
    if match is None:
        raise SettingsError(
            f"{key}.service: {migration.service} is not deployed at phase {plan.settings.phase}; "
            "accepted: a service of that phase, or a later phase"
        )
    return match
