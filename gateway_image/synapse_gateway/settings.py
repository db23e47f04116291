"""Settings from environment variables, read once at start-up. Sizes are in bytes, times in seconds.

A field states its variable and its default, and with its type the accepted values.
"""

import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from synapse_gateway.environment import HIDDEN, SettingsGroup, settings_group, variable

KI, MI, GI = 1024, 1024**2, 1024**3
MOST = sys.float_info.max  # without it, "inf" is a number
CODER_WORDS = (
    *("code", "python", "javascript", "typescript", "java", "rust", "sql", "regex", "debug", "stack trace"),
    *("exception", "compile", "refactor", "unit test", "algorithm", "api", "dockerfile", "kubernetes", "yaml"),
    *("json", "bash", "shell", "git", "pull request"),
)
"""Words of a question for the coder model. Left out as too common in other questions: go, class, function, bug."""

Seconds = Annotated[float, Meta(ge=0, le=MOST, description="a number of at least 0")]
Timeout = Annotated[float, Meta(ge=0.1, le=MOST, description="a number of at least 0.1")]
ModelTimeout = Annotated[float, Meta(ge=0.01, le=MOST, description="a number of at least 0.01")]
Pause = Annotated[float, Meta(ge=0.001, le=MOST, description="a number of at least 0.001")]
Count = Annotated[int, Meta(ge=0, description="a whole number of at least 0")]
UploadBytes = Annotated[int, Meta(ge=44, description="a whole number of at least 44")]  # the header of a WAV file
SpoolBytes = Annotated[int, Meta(ge=MI, description=f"a whole number of at least {MI}")]
Switch = Annotated[bool, Meta(description="true, false")]
Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    Meta(description="DEBUG, INFO, WARNING, ERROR, CRITICAL"),
]
FeedMode = Annotated[Literal["mock", "live"], Meta(description="mock, live")]
BusMode = Annotated[Literal["local", "redis"], Meta(description="local, redis")]
Patterns = Annotated[tuple[re.Pattern[str], ...], Meta(description="regular expressions joined by ||", extra=HIDDEN)]
Collector = Annotated[
    str,
    Meta(pattern=r"\Ahttps?://[^\s/@?#]+(/[^\s?#]*)?\Z", description="an address like http://host:4318", extra=HIDDEN),
]


class Timeouts(SettingsGroup, frozen=True, kw_only=True):
    """Timeout of each class of routes: for a whole exchange, or between two parts of a stream."""

    llm: Timeout = variable("TIMEOUT_LLM_SECONDS", 300)
    tts: Timeout = variable("TIMEOUT_TTS_SECONDS", 120)
    stt: Timeout = variable("TIMEOUT_STT_SECONDS", 120)
    speaker: Timeout = variable("TIMEOUT_SPEAKER_SECONDS", 120)
    audio: Timeout = variable("TIMEOUT_AUDIO_SECONDS", 60)
    embeddings: Timeout = variable("TIMEOUT_EMBEDDINGS_SECONDS", 60)
    default: Timeout = variable("TIMEOUT_DEFAULT_SECONDS", 60)


class FeedSettings(SettingsGroup, frozen=True, kw_only=True):
    """Terminal feed: the log lines that the dashboard shows live."""

    mode: FeedMode = variable("TERMINAL_FEED_MODE", "mock")
    buffer_size: Count = variable("TERMINAL_FEED_BUFFER_SIZE", 500)
    queue_size: Count = variable("TERMINAL_FEED_SUBSCRIBER_QUEUE_SIZE", 200)
    backlog_lines: Count = variable("TERMINAL_FEED_BACKLOG_LINES", 80)
    keepalive_s: Seconds = variable("TERMINAL_FEED_KEEPALIVE_SECONDS", 15)
    line_chars: Count = variable("TERMINAL_FEED_MAX_LINE_CHARS", 1200)
    level: Level = variable("TERMINAL_FEED_DEFAULT_LEVEL", "INFO")
    extra_patterns: Patterns = variable("TERMINAL_FEED_REDACT_EXTRA_PATTERNS", ())
    bus_mode: BusMode = variable("TERMINAL_FEED_BUS_MODE", "local")
    redis_url: str | None = variable("TERMINAL_FEED_REDIS_URL", None)  # None: the feed of this process alone
    redis_channel: str = variable("TERMINAL_FEED_REDIS_CHANNEL", "synapse:terminal_feed")
    redis_connect_s: Timeout = variable("TERMINAL_FEED_REDIS_CONNECT_TIMEOUT_SECONDS", 5)

    @property
    def is_live(self) -> bool:
        return self.mode == "live"

    def __post_init__(self) -> None:
        if self.is_live and self.bus_mode == "redis" and not self.redis_url:
            raise ValueError(f"{REDIS_URL}: not set; needed by {BUS_MODE}=redis")
        if self.redis_url and not _is_redis(self.redis_url):  # the message leaves out the value: HIDDEN
            accepted = "redis://[user:password@]host[:port], rediss:// and unix://path"
            raise ValueError(f"{REDIS_URL}: got no address of Redis (value not shown); accepted: {accepted}")


class DashboardSettings(SettingsGroup, frozen=True, kw_only=True):
    """Access to the dashboard; without a token it is disabled."""

    token: str | None = variable("DASHBOARD_ACCESS_TOKEN", None)
    cookie_name: str = variable("DASHBOARD_ACCESS_COOKIE_NAME", "synapse_dash_token")
    is_cookie_secure: Switch = variable("DASHBOARD_COOKIE_SECURE", default=False)


class RouterSettings(SettingsGroup, frozen=True, kw_only=True):
    """The Deployment of llama-router, for the one option that needs a restart."""

    namespace: str = variable("LLAMA_ROUTER_DEPLOYMENT_NAMESPACE", "llm-infra")
    deployment: str = variable("LLAMA_ROUTER_DEPLOYMENT_NAME", "llama-router")
    container: str = variable("LLAMA_ROUTER_CONTAINER_NAME", "llama-server")
    reconfigure_s: Timeout = variable("RUNTIME_RECONFIGURE_TIMEOUT_SECONDS", 300)
    account: Path = variable("SERVICE_ACCOUNT_DIR", Path("/var/run/secrets/kubernetes.io/serviceaccount"))
    api: str | None = None  # address of the Kubernetes API; None outside a cluster


class ModelTimes(SettingsGroup, frozen=True, kw_only=True):
    """Timeouts of loading and unloading models."""

    pause_s: Pause = variable("MODEL_POLL_SECONDS", 1)  # between two requests to a router that is polled
    away_s: Seconds = variable("MODEL_AWAY_SECONDS", 45)  # of retries while a router is unreachable
    busy_s: ModelTimeout = variable("MODEL_BUSY_SECONDS", 60)  # for the calls of a model that is to be unloaded
    load_s: ModelTimeout = variable("MODEL_LOAD_SECONDS", 240)  # of a load
    answer_s: float = 60  # of each request to the router
    trust_s: float = 1  # an engine's state "awake" is cached so long


class Settings(SettingsGroup, frozen=True, kw_only=True):
    """All settings that are not in the configuration file."""

    config_path: Path = variable("GATEWAY_CONFIG_PATH", Path("/config/backends.yaml"))
    voices: Path = variable("VOICE_LIBRARY_DIR", Path("/data/voices"))
    profiles: Path = variable("MODEL_PROFILES_PATH", Path("/data/voices/model-profiles.json"))
    log_level: Level = variable("LOG_LEVEL", "INFO")
    instance: str = variable("INSTANCE_ID", "synapse-gateway")
    max_upload: UploadBytes = variable("MAX_AUDIO_UPLOAD_BYTES", GI)
    max_spool: SpoolBytes = variable("MAX_SPOOL_BYTES", 2 * GI - 64 * MI)  # of all uploads in progress, on disk
    client_s: Timeout = variable("CLIENT_TIMEOUT_SECONDS", 15)  # of a client that sends its request slowly
    drain_s: Seconds = variable("DRAIN_SECONDS", 30)
    drain_delay_s: Seconds = variable("DRAIN_DELAY_SECONDS", 0)  # still accepting, until the cluster stops routing here
    api_keys: tuple[str, ...] = variable("API_KEYS", ())
    general_model: str = variable("AUTO_GENERAL_MODEL", "Qwen3-8B-Q4_K_M")
    coder_model: str = variable("AUTO_CODER_MODEL", "Qwen2.5-Coder-7B-Instruct-Q4_K_M")
    coder_words: tuple[str, ...] = variable("AUTO_CODER_WORDS", CODER_WORDS)
    otlp: Collector | None = variable("OTLP_ENDPOINT", None)  # where spans are sent; None: nowhere
    timeouts: dict[str, float] = msgspec.field(default_factory=lambda: msgspec.structs.asdict(Timeouts()))
    feed: FeedSettings = msgspec.field(default_factory=FeedSettings)
    dashboard: DashboardSettings = msgspec.field(default_factory=DashboardSettings)
    router: RouterSettings = msgspec.field(default_factory=RouterSettings)
    model_times: ModelTimes = msgspec.field(default_factory=ModelTimes)


BUS_MODE, REDIS_URL = "SYNAPSE_TERMINAL_FEED_BUS_MODE", "SYNAPSE_TERMINAL_FEED_REDIS_URL"
LISTS = ("SYNAPSE_API_KEYS", "SYNAPSE_AUTO_CODER_WORDS")
PATTERNS = "SYNAPSE_TERMINAL_FEED_REDACT_EXTRA_PATTERNS"
UPPER = frozenset({"SYNAPSE_LOG_LEVEL", "SYNAPSE_TERMINAL_FEED_DEFAULT_LEVEL"})
LOWER = frozenset({"SYNAPSE_TERMINAL_FEED_MODE", BUS_MODE})
FLOORS = {"buffer_size": 10, "queue_size": 10, "backlog_lines": 1, "keepalive_s": 5, "line_chars": 256}
"""Smaller values of the feed are raised to these."""


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of *environment*; raises SettingError."""
    values = _prepared(environment)
    feed = settings_group(FeedSettings, values)
    return msgspec.structs.replace(
        settings_group(Settings, values),
        timeouts=msgspec.structs.asdict(settings_group(Timeouts, values)),
        feed=msgspec.structs.replace(feed, **{name: max(getattr(feed, name), least) for name, least in FLOORS.items()}),
        dashboard=settings_group(DashboardSettings, values),
        router=settings_group(RouterSettings, values),
        model_times=settings_group(ModelTimes, values),
    )


def _prepared(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables that are set, with lists split, words in their case, and defaults that depend on others."""
    values: dict[str, Any] = {
        name: _folded(name, value) for name, value in environment.items() if value and name.startswith("SYNAPSE_")
    }
    for name in LISTS:
        if items := [item.strip() for item in values.pop(name, "").split(",") if item.strip()]:
            values[name] = items
    values[PATTERNS] = [part for part in values.get(PATTERNS, "").split("||") if part]
    if values.get(BUS_MODE) != "redis":
        values.pop(REDIS_URL, None)
    voices = Path(values.get("SYNAPSE_VOICE_LIBRARY_DIR", Settings().voices))
    host_name = environment.get("HOSTNAME") or socket.gethostname() or "synapse-gateway"
    defaults = {"SYNAPSE_MODEL_PROFILES_PATH": str(voices / "model-profiles.json"), "SYNAPSE_INSTANCE_ID": host_name}
    return {**defaults, **values, "api": _kubernetes_api(environment)}


def _folded(name: str, value: str) -> str:
    return value.upper() if name in UPPER else value.lower() if name in LOWER else value


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    return has_port and parts.scheme in {"redis", "rediss", "unix"}


def _kubernetes_api(environment: Mapping[str, str]) -> str | None:
    """Return the address of the Kubernetes API, from the variables that the kubelet sets in every container."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else None
