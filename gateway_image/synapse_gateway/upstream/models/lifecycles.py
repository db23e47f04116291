"""The lifecycle that each kind of backend gets."""

from typing import TYPE_CHECKING

from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.lifecycle import Always, Lifecycle
from synapse_gateway.upstream.models.router import RouterModels
from synapse_gateway.upstream.models.router_api import RouterApi
from synapse_gateway.upstream.models.router_restart import Runtime
from synapse_gateway.upstream.models.sleeping_engine import Engine

if TYPE_CHECKING:
    from synapse_gateway.upstream.backend import Backend


class Lifecycles:
    """Makes the lifecycle of a backend. *runtime*: what a router must run with before it loads a model."""

    def __init__(self, times: ModelTimes, runtime: Runtime) -> None:
        self._times = times
        self._runtime = runtime

    def __call__(self, backend: "Backend") -> Lifecycle:
        kind = backend.adapter.lifecycle
        if kind == "router":
            return RouterModels(RouterApi(backend, self._times), self._times, self._runtime)
        if kind == "sleep":
            return Engine(backend, self._times)
        return Always()
