"""Registry of backends and routes: the targets that serve a model, in the order they are tried."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from synapse_gateway.errors import BadRequestError, NotFoundError, UnavailableError
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.routing.config import Config
from synapse_gateway.upstream.adapters import LifecycleKind, Operation, Task
from synapse_gateway.upstream.lifecycle import Lifecycle, StaticModels
from synapse_gateway.upstream.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Target:
    """One backend, and its own name for the model; None passes the client's name on unchanged."""

    upstream: Upstream
    model: str | None = None


class Registry:
    """The active configuration. Immutable: a reload makes a new one, which keeps the unchanged backends."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        former: "Registry | None" = None,
        lifecycle: Callable[[Upstream], Lifecycle] = StaticModels.of,
    ) -> None:
        self.config = config
        self.upstreams: Mapping[str, Upstream] = {
            name: _unchanged(former, name, section) or Upstream(name, section, metrics, lifecycle)
            for name, section in config.backends.items()
        }
        self.routes: Mapping[str, tuple[Target, ...]] = {
            route.model: tuple(
                Target(self.upstreams[target.backend], target.model or route.model) for target in route.targets
            )
            for route in config.routes
        }
        self._aliases = dict(self._aliased_routes())
        self._cache: dict[tuple[str, Operation], tuple[Target, ...]] = {}

    def close_dropped(self, successor: "Registry") -> None:
        """Close the backends that *successor* did not keep."""
        for name, upstream in self.upstreams.items():
            if successor.upstreams.get(name) is not upstream:
                upstream.close()

    def resolve(self, model: str | None, operation: Operation) -> tuple[Target, ...]:
        """Return the targets for *model*. Raises NotFoundError, BadRequestError and UnavailableError."""
        key = (model or "", operation)
        targets = self._cache.get(key)
        if targets is None:
            targets = self._resolve(model, operation)
            if model in self.routes:  # not for names that clients make up: they would fill the cache
                self._cache[key] = targets
        return targets

    def route_for(self, model: str) -> tuple[Target, ...] | None:
        """Return the route of *model*: a public name or a backend's own name, with `:latest` or without."""
        return self.routes.get(model) or self._aliases.get(_untagged(model))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that has a route: public names, then backends' own names."""
        public = {_untagged(model) for model in self.routes}
        return (*self.routes, *(alias for alias in self._aliases if alias not in public))

    def offering(self, operation: Operation) -> tuple[Target, ...]:
        """Return every backend that offers *operation*. Raises UnavailableError when none does."""
        if targets := tuple(Target(upstream) for upstream in self.upstreams.values() if upstream.path(operation)):
            return targets
        raise UnavailableError(f"no backend is configured for {operation}", code="backend_not_configured")

    def serving(self, task: Task) -> list[Upstream]:
        """Return the backends that serve *task*."""
        return [upstream for upstream in self.upstreams.values() if task in upstream.config.served_tasks]

    def by_lifecycle(self, kind: LifecycleKind) -> Upstream | None:
        """Return the first backend with a model lifecycle of *kind*."""
        return next((upstream for upstream in self.upstreams.values() if upstream.adapter.lifecycle == kind), None)

    def _resolve(self, model: str | None, operation: Operation) -> tuple[Target, ...]:
        route = self.route_for(model or "")
        if route is None:
            return self._default_targets(model, operation)
        if targets := tuple(target for target in route if target.upstream.path(operation)):
            return targets
        raise BadRequestError(f"{model} does not offer {operation}", code="model_not_available", param="model")

    def _default_targets(self, model: str | None, operation: Operation) -> tuple[Target, ...]:
        """Return the targets of a name without a route: a router, which has its own list, or the only backend."""
        offering = self.offering(operation)
        for target in offering:
            if target.upstream.adapter.lifecycle == "router":
                return (Target(target.upstream, model),)
        if operation == "embeddings" or len(offering) == 1 or not model:
            return offering[:1]
        names = [name for name, route in self.routes.items() if any(t.upstream.path(operation) for t in route)]
        raise NotFoundError(
            f"unknown model {model!r} for {operation}; accepted: {', '.join(names) or 'none'}",
            code="model_not_found",
            param="model",
        )

    def _aliased_routes(self) -> Iterator[tuple[str, tuple[Target, ...]]]:
        """Yield routes by backends' own model names, so that clients of a former backend may keep the name they use."""
        for route in reversed(tuple(self.routes.values())):
            for target in route:
                if target.model and target.model not in self.routes:
                    yield _untagged(target.model), route
        for model, route in self.routes.items():
            yield _untagged(model), route


def _untagged(model: str) -> str:
    return model.removesuffix(":latest")


def _unchanged(former: Registry | None, name: str, section: object) -> Upstream | None:
    upstream = former.upstreams.get(name) if former else None
    return upstream if upstream is not None and upstream.config == section else None
