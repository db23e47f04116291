"""What the environment may say, read once at start-up."""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

KI, MI, GI = 1024, 1024**2, 1024**3
TIMEOUT_CLASSES: Mapping[str, float] = {
    "llm": 300,
    "tts": 120,
    "stt": 120,
    "speaker": 120,
    "audio": 60,
    "embeddings": 60,
    "default": 60,
}
"""Seconds for each class of routes: of a whole exchange, or between two parts of a stream."""
CODER_WORDS = (
    *("code", "python", "javascript", "typescript", "java", "rust", "sql", "regex", "debug", "stack trace"),
    *("exception", "compile", "refactor", "unit test", "algorithm", "api", "dockerfile", "kubernetes", "yaml"),
    *("json", "bash", "shell", "git", "pull request"),
)
"""What a question to the coder model says. Not among them: go, class, function and bug, which everybody says."""


class SettingError(Exception):
    """A variable that cannot be used; the message names it, its value and what is accepted."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """The terminal feed: lines of the log that the dashboard shows as they come."""

    is_live: bool = False
    buffer_size: int = 500
    queue_size: int = 200
    backlog_lines: int = 80
    keepalive_s: float = 15
    line_chars: int = 1200
    level: str = "INFO"
    extra_patterns: tuple[re.Pattern[str], ...] = ()
    redis_url: str | None = None  # None: the feed of this process alone
    redis_channel: str = "synapse:terminal_feed"
    redis_connect_s: float = 5


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """The gate of the pages; without a token they are shut."""

    token: str | None = None
    cookie_name: str = "synapse_dash_token"
    is_cookie_secure: bool = False


@dataclass(frozen=True, kw_only=True)
class Router:
    """The Deployment of llama-router, for the one option that only a restart changes."""

    namespace: str = "llm-infra"
    deployment: str = "llama-router"
    container: str = "llama-server"
    reconfigure_s: float = 300
    api: str | None = None  # the Kubernetes API; None outside a cluster
    account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # holds `token` and `ca.crt`


@dataclass(frozen=True, kw_only=True)
class ModelTimes:
    """How long models may take to come and go, in seconds."""

    pause_s: float = 1  # between two looks at a router
    away_s: float = 45  # until a router that cannot be reached is given up
    busy_s: float = 60  # for the calls of one model to end before another takes its place
    load_s: float = 240  # from the order to load until the model is there
    answer_s: float = 60  # for each question to the backend
    trust_s: float = 1  # an engine that may be put to sleep is taken to be awake for so long


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that is not in the configuration file. Sizes in bytes, times in seconds."""

    config_path: Path = Path("/config/backends.yaml")
    voices: Path = Path("/data/voices")
    profiles: Path = Path("/data/voices/model-profiles.json")
    log_level: str = "INFO"
    instance: str = "synapse-gateway"
    timeouts: Mapping[str, float] = field(default_factory=lambda: dict(TIMEOUT_CLASSES))
    max_upload: int = GI
    max_spool: int = 2 * GI - 64 * MI  # of all uploads under way in this process, on the disk for temporary files
    client_s: float = 15  # of a client that trickles its request
    drain_s: float = 30
    drain_delay_s: float = 0  # still accepting, while the cluster learns that this replica goes
    api_keys: tuple[str, ...] = ()
    general_model: str = "Qwen3-8B-Q4_K_M"
    coder_model: str = "Qwen2.5-Coder-7B-Instruct-Q4_K_M"
    coder_words: tuple[str, ...] = CODER_WORDS
    model_times: ModelTimes = field(default_factory=ModelTimes)
    feed: Feed = field(default_factory=Feed)
    dashboard: Dashboard = field(default_factory=Dashboard)
    router: Router = field(default_factory=Router)
    otlp: str | None = None  # where spans are sent; None: nowhere


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of *environment*; raises SettingError."""
    values = Values(environment)
    voices = Path(values.text("VOICE_LIBRARY_DIR", "/data/voices"))
    return Settings(
        config_path=Path(values.text("GATEWAY_CONFIG_PATH", "/config/backends.yaml")),
        voices=voices,
        profiles=Path(values.text("MODEL_PROFILES_PATH", str(voices / "model-profiles.json"))),
        log_level=values.choice("LOG_LEVEL", "INFO", LEVELS),
        instance=values.text("INSTANCE_ID", environment.get("HOSTNAME") or socket.gethostname() or "synapse-gateway"),
        timeouts={
            name: values.number(f"TIMEOUT_{name.upper()}_SECONDS", s, 0.1) for name, s in TIMEOUT_CLASSES.items()
        },
        max_upload=int(values.number("MAX_AUDIO_UPLOAD_BYTES", GI, 44)),
        max_spool=int(values.number("MAX_SPOOL_BYTES", Settings.max_spool, MI)),
        client_s=values.number("CLIENT_TIMEOUT_SECONDS", 15, 0.1),
        drain_s=values.number("DRAIN_SECONDS", 30, 0),
        drain_delay_s=values.number("DRAIN_DELAY_SECONDS", 0, 0),
        api_keys=tuple(key.strip() for key in values.text("API_KEYS", "").split(",") if key.strip()),
        general_model=values.text("AUTO_GENERAL_MODEL", Settings.general_model),
        coder_model=values.text("AUTO_CODER_MODEL", Settings.coder_model),
        coder_words=values.words("AUTO_CODER_WORDS") or CODER_WORDS,
        model_times=_model_times(values),
        feed=_feed(values),
        dashboard=_dashboard(values),
        router=_router(values, environment),
        otlp=_collector(values),
    )


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Values:
    """The variables that begin with `SYNAPSE_`, by the rest of their name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(f"SYNAPSE_{name}") or default

    def number(self, name: str, default: float, least: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not least <= number < float("inf"):
            raise SettingError(f"SYNAPSE_{name}: got {value!r}; accepted: a number of at least {least:g}")
        return number

    def choice(self, name: str, default: str, accepted: tuple[str, ...]) -> str:
        value = self.text(name, default)
        found = {word.lower(): word for word in accepted}.get(value.lower())
        if found is None:
            raise SettingError(f"SYNAPSE_{name}: got {value!r}; accepted: {', '.join(accepted)}")
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """What a list has between its commas."""
        return tuple(word.strip() for word in self.text(name, "").split(",") if word.strip())

    def patterns(self, name: str) -> tuple[re.Pattern[str], ...]:
        try:
            return tuple(re.compile(part) for part in self.text(name, "").split("||") if part)
        except re.error as error:
            raise SettingError(f"SYNAPSE_{name}: {error}; accepted: regular expressions joined by ||") from error


def _feed(values: Values) -> Feed:
    prefix = "TERMINAL_FEED_"
    is_live = values.choice(f"{prefix}MODE", "mock", ("mock", "live")) == "live"
    is_redis = values.choice(f"{prefix}BUS_MODE", "local", ("local", "redis")) == "redis"
    url = values.text(f"{prefix}REDIS_URL", "")
    if is_live and is_redis and not url:
        raise SettingError(f"SYNAPSE_{prefix}REDIS_URL: not set; needed by SYNAPSE_{prefix}BUS_MODE=redis")
    if is_redis and url and not _is_redis(url):
        raise SettingError(  # without the value: it may hold a password
            f"SYNAPSE_{prefix}REDIS_URL: no address of Redis; accepted: redis://[user:password@]host[:port], "
            "rediss:// and unix://path"
        )
    return Feed(
        is_live=is_live,
        buffer_size=int(max(10, values.number(f"{prefix}BUFFER_SIZE", 500, 0))),
        queue_size=int(max(10, values.number(f"{prefix}SUBSCRIBER_QUEUE_SIZE", 200, 0))),
        backlog_lines=int(max(1, values.number(f"{prefix}BACKLOG_LINES", 80, 0))),
        keepalive_s=max(5, values.number(f"{prefix}KEEPALIVE_SECONDS", 15, 0)),
        line_chars=int(max(256, values.number(f"{prefix}MAX_LINE_CHARS", 1200, 0))),
        level=values.choice(f"{prefix}DEFAULT_LEVEL", "INFO", LEVELS),
        extra_patterns=values.patterns(f"{prefix}REDACT_EXTRA_PATTERNS"),
        redis_url=url if is_redis else None,
        redis_channel=values.text(f"{prefix}REDIS_CHANNEL", Feed.redis_channel),
        redis_connect_s=values.number(f"{prefix}REDIS_CONNECT_TIMEOUT_SECONDS", 5, 0.1),
    )


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    return has_port and parts.scheme in {"redis", "rediss", "unix"}


def _collector(values: Values) -> str | None:
    """The address of an OpenTelemetry collector, whose part for spans is at /v1/traces."""
    address = values.text("OTLP_ENDPOINT", "")
    if address and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", address):  # it may hold a password: not shown
        raise SettingError("SYNAPSE_OTLP_ENDPOINT: no address of a collector; accepted: http://host:4318 and the like")
    return address or None


def _dashboard(values: Values) -> Dashboard:
    return Dashboard(
        token=values.text("DASHBOARD_ACCESS_TOKEN", "") or None,
        cookie_name=values.text("DASHBOARD_ACCESS_COOKIE_NAME", Dashboard.cookie_name),
        is_cookie_secure=values.choice("DASHBOARD_COOKIE_SECURE", "false", ("true", "false")) == "true",
    )


def _router(values: Values, environment: Mapping[str, str]) -> Router:
    return Router(
        namespace=values.text("LLAMA_ROUTER_DEPLOYMENT_NAMESPACE", Router.namespace),
        deployment=values.text("LLAMA_ROUTER_DEPLOYMENT_NAME", Router.deployment),
        container=values.text("LLAMA_ROUTER_CONTAINER_NAME", Router.container),
        reconfigure_s=values.number("RUNTIME_RECONFIGURE_TIMEOUT_SECONDS", 300, 0.1),
        api=_cluster(environment),
        account=Path(values.text("SERVICE_ACCOUNT_DIR", str(Router.account))),
    )


def _cluster(environment: Mapping[str, str]) -> str | None:
    """The address of the Kubernetes API, as the kubelet tells every container."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else None


def _model_times(values: Values) -> ModelTimes:
    return ModelTimes(
        pause_s=values.number("MODEL_POLL_SECONDS", ModelTimes.pause_s, 0.001),
        away_s=values.number("MODEL_AWAY_SECONDS", ModelTimes.away_s, 0),
        busy_s=values.number("MODEL_BUSY_SECONDS", ModelTimes.busy_s, 0.01),
        load_s=values.number("MODEL_LOAD_SECONDS", ModelTimes.load_s, 0.01),
    )
