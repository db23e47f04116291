"""Which backends answer for a model, in the order they are tried."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from synapse_gateway.errors import BadRequestError, NotFoundError, UnavailableError
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.routing.config import Config
from synapse_gateway.upstream.adapters import Operation, Task
from synapse_gateway.upstream.backend import Backend
from synapse_gateway.upstream.lifecycle import Always, Lifecycle


@dataclass(frozen=True, slots=True)
class Target:
    """One backend, and the name that it knows the model by; None leaves the client's name as it is."""

    backend: Backend
    model: str | None = None


class Registry:
    """The configuration in force. Never changed: a new file makes a new one, which takes over what is the same."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        former: "Registry | None" = None,
        lifecycle: Callable[[Backend], Lifecycle] = Always.of,
    ) -> None:
        self.config = config
        self.backends: Mapping[str, Backend] = {
            name: _kept(former, name, section) or Backend(name, section, metrics, lifecycle)
            for name, section in config.backends.items()
        }
        self.routes: Mapping[str, tuple[Target, ...]] = {
            route.model: tuple(Target(self.backends[stop.backend], stop.model or route.model) for stop in route.targets)
            for route in config.routes
        }
        self._aliases = dict(self._names_of_backends())
        self._cache: dict[tuple[str, Operation], tuple[Target, ...]] = {}

    def close_those_not_in(self, successor: "Registry") -> None:
        """Let go of the backends that *successor* did not take over."""
        for name, backend in self.backends.items():
            if successor.backends.get(name) is not backend:
                backend.close()

    def resolve(self, model: str | None, operation: Operation) -> tuple[Target, ...]:
        """The targets for *model*. Raises NotFoundError, BadRequestError and UnavailableError."""
        key = (model or "", operation)
        found = self._cache.get(key)
        if found is None:
            found = self._resolve(model, operation)
            if model in self.routes:  # names that clients make up would fill it
                self._cache[key] = found
        return found

    def known(self, model: str) -> tuple[Target, ...] | None:
        """The route of *model*, which may be a public name or one that a backend has, with `:latest` or without."""
        return self.routes.get(model) or self._aliases.get(_untagged(model))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that has a route: the public ones, then those that backends have."""
        public = {_untagged(model) for model in self.routes}
        return (*self.routes, *(alias for alias in self._aliases if alias not in public))

    def offering(self, operation: Operation) -> tuple[Target, ...]:
        """Every backend that has *operation*. Raises UnavailableError when none has."""
        if found := tuple(Target(backend) for backend in self.backends.values() if backend.path(operation)):
            return found
        raise UnavailableError(f"no backend is configured for {operation}", code="backend_not_configured")

    def doing(self, task: Task) -> list[Backend]:
        """The backends that do *task*."""
        return [backend for backend in self.backends.values() if task in backend.config.served_tasks]

    def first(self, lifecycle: str) -> Backend | None:
        """The first backend whose models come and go in the way named *lifecycle*."""
        return next((found for found in self.backends.values() if found.adapter.lifecycle == lifecycle), None)

    def _resolve(self, model: str | None, operation: Operation) -> tuple[Target, ...]:
        route = self.known(model or "")
        if route is None:
            return self._by_default(model, operation)
        if found := tuple(target for target in route if target.backend.path(operation)):
            return found
        raise BadRequestError(f"{model} cannot do {operation}", code="model_not_available", param="model")

    def _by_default(self, model: str | None, operation: Operation) -> tuple[Target, ...]:
        """Where a name that has no route goes: to a server that has its own list, or to the only one there is."""
        offering = self.offering(operation)
        for target in offering:
            if target.backend.adapter.lifecycle == "router":
                return (Target(target.backend, model),)
        if operation == "embeddings" or len(offering) == 1 or not model:
            return offering[:1]
        known = ", ".join(name for name, route in self.routes.items() if any(t.backend.path(operation) for t in route))
        raise NotFoundError(
            f"there is no model {model!r} for {operation}; there are: {known or 'none'}",
            code="model_not_found",
            param="model",
        )

    def _names_of_backends(self) -> Iterator[tuple[str, tuple[Target, ...]]]:
        """Backends' own names for their models, so that a consumer may keep the name it used."""
        for route in reversed(tuple(self.routes.values())):
            for target in route:
                if target.model and target.model not in self.routes:
                    yield _untagged(target.model), route
        for model, route in self.routes.items():
            yield _untagged(model), route


def _untagged(model: str) -> str:
    return model.removesuffix(":latest")


def _kept(former: Registry | None, name: str, section: object) -> Backend | None:
    found = former.backends.get(name) if former else None
    return found if found is not None and found.config == section else None
