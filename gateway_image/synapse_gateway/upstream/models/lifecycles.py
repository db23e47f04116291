"""Choice of the lifecycle for each type of backend."""

from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.lifecycle import Lifecycle, StaticModels
from synapse_gateway.upstream.models.router import RouterModels
from synapse_gateway.upstream.models.router_api import RouterApi
from synapse_gateway.upstream.models.router_restart import RouterRestart
from synapse_gateway.upstream.models.sleeping_engine import SleepingEngine
from synapse_gateway.upstream.upstream import Upstream


class LifecycleFactory:
    """Factory of lifecycles. *restart* applies the router options that a model needs before it is loaded."""

    def __init__(self, times: ModelTimes, restart: RouterRestart) -> None:
        self._times = times
        self._restart = restart

    def __call__(self, upstream: Upstream) -> Lifecycle:
        kind = upstream.adapter.lifecycle
        if kind == "router":
            return RouterModels(RouterApi(upstream, self._times), self._times, self._restart)
        if kind == "sleep":
            return SleepingEngine(upstream, self._times)
        return StaticModels()
