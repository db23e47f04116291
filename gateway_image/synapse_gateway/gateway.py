"""What lives as long as the process: settings, keys, metrics, and the registry in force."""

import asyncio
from collections.abc import Mapping

from synapse_gateway.api.models.profile_store import ProfileStore, watch_profiles
from synapse_gateway.api.speech.reference_cache import ReferenceCache
from synapse_gateway.api.voices import VoiceLibrary
from synapse_gateway.auth.dashboard import OPERATOR, Gate
from synapse_gateway.auth.keys import Access, Identity, Keys
from synapse_gateway.errors import AuthenticationError
from synapse_gateway.observe.feed import Feed
from synapse_gateway.observe.gauges import BackendGauges
from synapse_gateway.observe.logs import AccessLog
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.observe.tracing import Tracer
from synapse_gateway.routing.config import Config
from synapse_gateway.routing.registry import Registry
from synapse_gateway.server.spool import Room
from synapse_gateway.settings import SettingError, Settings
from synapse_gateway.upstream.health import Health
from synapse_gateway.upstream.models.lifecycles import Lifecycles
from synapse_gateway.upstream.models.router_restart import Runtime


class Gateway:
    """The state that endpoints work with."""

    def __init__(self, settings: Settings, config: Config) -> None:
        self.settings = settings
        self.keys = Keys(settings.api_keys)
        self.metrics = Metrics()
        self.access_log = AccessLog()
        self.tracer = _tracer(settings)
        self.profiles = ProfileStore(settings.profiles)
        runtime = Runtime(settings.router, settings.model_times, self.profiles.context_tokens)
        self._lifecycles = Lifecycles(settings.model_times, runtime)
        self._watch: asyncio.Task[None] | None = None
        self.registry = Registry(config, self.metrics, lifecycle=self._lifecycles)
        self.health = Health()
        self.gate = Gate(settings.dashboard)
        self.feed: Feed | None = None
        self.voices = VoiceLibrary(settings.voices)
        self.reference_cache = ReferenceCache()
        self.room = Room(settings.max_spool)
        self.is_draining = False
        self.metrics.register(BackendGauges(lambda: tuple(self.registry.backends.values())))

    def use(self, config: Config) -> None:
        """Put *config* in force. Calls under way go on with what they have."""
        former, self.registry = self.registry, Registry(config, self.metrics, self.registry, self._lifecycles)
        former.close_those_not_in(self.registry)

    def identify(self, headers: Mapping[str, str], access: Access) -> Identity:
        """Who asks. Raises AuthenticationError and PermissionDeniedError, and what `Gate.enter` does."""
        if access == "dashboard":
            return self.gate.enter(headers)
        try:
            return self.keys.identify(headers.get("authorization"), access)
        except AuthenticationError:
            if self.gate.is_script(headers):
                return OPERATOR
            raise

    async def start(self) -> None:
        """What needs the running loop."""
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
        """Say to everybody that this replica goes."""
        self.is_draining = True
        if self.feed:
            self.feed.end()

    async def close(self) -> None:
        """Let go of every backend, and write what was not written."""
        if self._watch:
            self._watch.cancel()
        for backend in self.registry.backends.values():
            backend.close()
        if self.feed:
            await self.feed.close()
        await self.voices.close()
        self.access_log.flush()
        if self.tracer:
            await asyncio.to_thread(self.tracer.close)


def _tracer(settings: Settings) -> Tracer | None:
    """What sends spans to the collector, where there is one. Raises SettingError where its packages are missing."""
    if settings.otlp is None:
        return None
    try:
        from synapse_gateway.observe.otlp import CollectorTracer  # noqa: PLC0415 - nobody else has to have it
    except ImportError as error:
        raise SettingError(f"SYNAPSE_OTLP_ENDPOINT: needs {error.name}; install synapse-gateway[otlp]") from error
    return CollectorTracer(settings.otlp, settings.instance)
