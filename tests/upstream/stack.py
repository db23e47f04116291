"""A stack with a service of every kind, rendered: the pods that the tests of this folder run."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from infra.catalog.kinds import CATALOG
from infra.plan.stack import Plan, plan
from stacks.rendering import manifests
from tests.conftest import Config, forge_config, settings_of
from tests.upstream.container import Container, Manifest, container, find

SECRETS: Final = ("apiKeys", "dashboardToken", "feedPassword", "grafanaPassword", "hfToken", "litellmKey")
ROOMY: Final = {"memory": "4000Gi", "cpus": 400, "devicePlugin": True}
GPUS: Final = 8
NAMED: Final = f"registry.example/{{}}@sha256:{64 * '1'}"
"""Image of a kind that nobody publishes one for."""


def config(**options: Mapping[str, Any]) -> Config:
    """Return the config of a machine that holds every kind; *options*: kind (`_` for `-`) -> its changed keys."""
    changed = forge_config()
    gpus = [{"name": f"gpu-{number}", "memory": "32Gi", "shares": 1} for number in range(GPUS)]
    changed["synapse:node"] |= {**ROOMY, "gpus": gpus}
    services = changed["synapse:services"]
    for kind, spec in CATALOG.items():
        kept = {} if "engine" in services.get(kind, {}) else services.get(kind, {})
        image = {} if spec.image or "image" in kept else {"image": NAMED.format(kind)}
        services[kind] = {**kept, **(options.get(kind.replace("-", "_")) or image)}
    return changed | {f"synapse:{key}": {"secure": "sealed"} for key in SECRETS}


@cache
def everything() -> Plan:
    return plan(settings_of(config()))


@cache
def objects() -> tuple[Manifest, ...]:
    return tuple(manifests(everything()))


def service(kind: str) -> Manifest:
    """Return the Deployment of a kind."""
    return find(objects(), "Deployment", CATALOG[kind].service)


def of_kind(kind: str, name: str | None = None, **secrets: str) -> Container:
    """Return the container of a kind, or its init container called *name*; *secrets*: variable -> value."""
    return container(objects(), service(kind), name, secrets)


@cache
def engine(kind: str) -> Container:
    """Return the container of a kind on its CPU engine, whose image the stack builds."""
    changed = config(**{kind.replace("-", "_"): {"engine": "cpu"}})
    changed["synapse:registry"] = "registry.example/synapse"
    rendered = manifests(plan(settings_of(changed)))
    return container(rendered, find(rendered, "Deployment", CATALOG[kind].service))
