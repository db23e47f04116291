"""A consumer on its way to a service of the platform: the new values of its settings, which follow from the plan."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from infra.errors import SettingsError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.consumers import Consumer, Migration

URL = "{url}"


@dataclass(frozen=True, kw_only=True)
class MigrationPlan:
    """The consumer *name*, the service that it is to call, and the *namespace* of that service."""

    name: str
    consumer: Consumer
    migration: Migration
    service: ServicePlan
    namespace: str

    @property
    def host(self) -> str:
        """What the alias stands for."""
        return self.service.address(self.namespace).partition(":")[0]

    @property
    def values(self) -> dict[str, dict[str, str]]:
        """ConfigMap -> key -> value, with the address in its place."""
        url = f"http://{self.service.address(self.namespace)}"
        return {
            name: {key: value.replace(URL, url) for key, value in keys.items()}
            for name, keys in self.migration.config_maps.items()
        }

    @property
    def digest(self) -> str:
        """Of the values and of what the alias stands for: it changes when a restart is due."""
        text = json.dumps([self.values, self.migration.alias, self.service.address(self.namespace)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def migration_plans(plan: Plan) -> Iterator[MigrationPlan]:
    """Those consumers that are to be moved to a service which is deployed."""
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
    """The consumer *name*, where `synapse migrate` is to move it. Raises SettingsError."""
    known = plan.settings.consumers
    if name not in known:
        raise SettingsError(f"no consumer {name!r}; accepted: {', '.join(known) or 'none: synapse:consumers is empty'}")
    migration, key = known[name].migration, f"synapse:consumers.{name}.migration"
    if migration is None or migration.by != "command":
        raise SettingsError(f"{key}.by: got {migration.by if migration else None!r}; accepted: command")
    found = next((move for move in migration_plans(plan) if move.name == name), None)
    if found is None:
        raise SettingsError(
            f"{key}.service: {migration.service} is not deployed at phase {plan.settings.phase}; "
            "accepted: a service of that phase, or a later phase"
        )
    return found
