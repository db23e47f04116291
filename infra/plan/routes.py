"""Routes: the services of each public model name, in the order of fallback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.catalog.kinds import CATALOG
from infra.errors import RouteError
from infra.plan.service import ServicePlan
from infra.settings.schema import TargetSection
from infra.sizing.ledger import markdown
from infra.yaml_text import yaml_text

COLUMNS = ("Model", "Served by", "As", "Then", "As")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One service of a route, and its name for the model."""

    service: ServicePlan
    model: str


@dataclass(frozen=True, kw_only=True)
class Route:
    """A public model name and its targets, first choice first."""

    model: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """All routes of a stack, and the services behind them."""

    namespace: str
    services: tuple[ServicePlan, ...]
    routes: tuple[Route, ...]

    def gateway_config(self) -> str:
        """Return the gateway's configuration file: every backend with its address, every route with its targets."""
        document = {
            "backends": {service.name: self._backend(service) for service in self.services},
            "routes": [
                {"model": route.model, "targets": [_target(target) for target in route.targets]}
                for route in self.routes
            ],
        }
        return yaml_text(document)

    def litellm_config(self, timeout_s: int) -> str:
        """Return LiteLLM's configuration file: one entry for each target of a route, in the order of fallback.

        Raises RouteError for a backend that LiteLLM cannot call.
        """
        document = {
            "model_list": [
                {"model_name": route.model, "litellm_params": self._litellm_params(route, order, target)}
                for route in self.routes
                for order, target in enumerate(route.targets, start=1)
            ],
            "router_settings": {
                "routing_strategy": "simple-shuffle",
                "num_retries": 2,
                "timeout": timeout_s,
                "enable_pre_call_checks": True,
            },
            "litellm_settings": {"callbacks": ["prometheus"], "require_auth_for_metrics_endpoint": False},
        }
        return yaml_text(document)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of every route in the order of `COLUMNS`; empty cells where there is no fallback."""
        return [_row(route) for route in self.routes]

    def markdown(self) -> str:
        return markdown(COLUMNS, self.rows())

    def _backend(self, service: ServicePlan) -> dict[str, Any]:
        kind = service.backend
        return {
            "url": self._url(service),
            "type": kind.adapter,
            "health": kind.health,
            "tasks": list(kind.tasks),
        }

    def _url(self, service: ServicePlan) -> str:
        return f"http://{service.address(self.namespace)}"

    def _litellm_params(self, route: Route, order: int, target: Target) -> dict[str, Any]:
        api = target.service.backend.litellm
        if api is None:
            kinds = ", ".join(kind for kind, spec in CATALOG.items() if spec.litellm)
            raise RouteError(
                f"routes.{route.model}: LiteLLM cannot call {target.service.name}; accepted: a service of kind {kinds}"
            )
        return {
            "model": f"{api.provider}/{target.model}",
            "api_base": self._url(target.service) + api.path,
            "order": order,
            **({"api_key": "none"} if api.needs_key else {}),
        }


def table(routes: Mapping[str, Sequence[TargetSection]], services: Sequence[ServicePlan], namespace: str) -> RouteTable:
    """Return the routes whose services are deployed; a target of a later phase is left out.

    Raises RouteError for a route that names a service twice.
    """
    serving = {service.name: service for service in services if service.backend.tasks}
    deployed = []
    for model, sections in routes.items():
        _check(model, sections)
        targets = tuple(
            Target(service=serving[section.service], model=section.model or model)
            for section in sections
            if section.service in serving
        )
        if targets:
            deployed.append(Route(model=model, targets=targets))
    return RouteTable(namespace=namespace, services=tuple(serving.values()), routes=tuple(deployed))


def _check(model: str, targets: Sequence[TargetSection]) -> None:
    names = [target.service for target in targets]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RouteError(f"routes.{model}: names {', '.join(sorted(twice))} twice; accepted: each service once")


def _target(target: Target) -> dict[str, str]:
    return {"backend": target.service.name, "model": target.model}


def _row(route: Route) -> tuple[str, ...]:
    cells = [cell for target in route.targets for cell in (target.service.service_name, target.model)]
    return (route.model, *cells, *[""] * (len(COLUMNS) - 1 - len(cells)))
