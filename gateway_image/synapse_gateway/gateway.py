"""State of the process that all requests share: settings, keys, metrics, and the active registry."""

import asyncio
from collections.abc import Mapping

from synapse_gateway.api.models.profile_store import ProfileStore, watch_profiles
from synapse_gateway.api.speech.reference_cache import ReferenceCache
from synapse_gateway.api.voices import VoiceLibrary
from synapse_gateway.auth.dashboard import OPERATOR, DashboardAuth
from synapse_gateway.auth.keys import Access, Identity, Keys
from synapse_gateway.environment import SettingError
from synapse_gateway.errors import AuthenticationError
from synapse_gateway.observe.feed import Feed
from synapse_gateway.observe.gauges import BackendGauges
from synapse_gateway.observe.logs import AccessLog
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.observe.tracing import Tracer
from synapse_gateway.routing.config import Config
from synapse_gateway.routing.registry import Registry
from synapse_gateway.server.spool import SpoolQuota
from synapse_gateway.settings import Settings
from synapse_gateway.upstream.health import Health
from synapse_gateway.upstream.models.lifecycles import LifecycleFactory
from synapse_gateway.upstream.models.router_restart import RouterRestart


class Gateway:
    """Shared state of the endpoints."""

    def __init__(self, settings: Settings, config: Config) -> None:
        self.settings = settings
        self.keys = Keys(settings.api_keys)
        self.metrics = Metrics()
        self.access_log = AccessLog()
        self.tracer = _tracer(settings)
        self.profiles = ProfileStore(settings.profiles)
        restart = RouterRestart(settings.router, settings.model_times, self.profiles.context_tokens)
        self._lifecycle = LifecycleFactory(settings.model_times, restart)
        self._watch: asyncio.Task[None] | None = None
        self.registry = Registry(config, self.metrics, lifecycle=self._lifecycle)
        self.health = Health()
        self.dashboard_auth = DashboardAuth(settings.dashboard)
        self.feed: Feed | None = None
        self.voices = VoiceLibrary(settings.voices)
        self.reference_cache = ReferenceCache()
        self.spool_quota = SpoolQuota(settings.max_spool)
        self.is_draining = False
        self.metrics.register(BackendGauges(lambda: tuple(self.registry.upstreams.values())))

    def use(self, config: Config) -> None:
        """Activate *config*. Calls in progress keep their backends."""
        former, self.registry = self.registry, Registry(config, self.metrics, self.registry, self._lifecycle)
        former.close_dropped(self.registry)

    def identify(self, headers: Mapping[str, str], access: Access) -> Identity:
        """Return the caller. Raises the errors of `Keys.identify` and `DashboardAuth.authenticate`."""
        if access == "dashboard":
            return self.dashboard_auth.authenticate(headers)
        try:
            return self.keys.identify(headers.get("authorization"), access)
        except AuthenticationError:
            if self.dashboard_auth.is_script(headers):
                return OPERATOR
            raise

    async def start(self) -> None:
        """Start what needs the running event loop."""
        await asyncio.to_thread(self.profiles.refresh)
        self._watch = asyncio.create_task(watch_profiles(self.profiles))
        await self.voices.start()
        if self.settings.feed.is_live:
            self.feed = Feed(self.settings.feed, self.settings.instance, self.metrics)
            self.feed.start()

    async def check_ready(self) -> None:
        """Raise UnavailableError while calls cannot be served."""
        await self.voices.check_ready()

    def drain(self) -> None:
        """Announce the end of this replica to probes and subscribers of the feed."""
        self.is_draining = True
        if self.feed:
            self.feed.end()

    async def close(self) -> None:
        """Close every backend, and write buffered logs and spans."""
        if self._watch:
            self._watch.cancel()
        for upstream in self.registry.upstreams.values():
            upstream.close()
        if self.feed:
            await self.feed.close()
        await self.voices.close()
        self.access_log.flush()
        if self.tracer:
            await asyncio.to_thread(self.tracer.close)


def _tracer(settings: Settings) -> Tracer | None:
    """Return the tracer for the configured collector. Raises SettingError if its packages are not installed."""
    if settings.otlp is None:
        return None
    try:
        from synapse_gateway.observe.otlp import CollectorTracer  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise SettingError(
            f"SYNAPSE_OTLP_ENDPOINT: package {error.name} is missing; install synapse-gateway[otlp]"
        ) from error
    return CollectorTracer(settings.otlp, settings.instance)
