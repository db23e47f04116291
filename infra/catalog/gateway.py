"""Gateways, which clients call, and the Redis bus that the gateway's replicas share."""

from infra.catalog.spec import BackendSpec, Probe, Probes, Restart, Scratch, SecretEnv, Volume
from infra.quantities import GI, MI
from infra.settings.api_keys import API_KEYS
from infra.settings.services import GatewayService
from infra.sizing.budget import ResourceClaim

FEED_BUS_KIND = "feed-bus"
FEED_URL = "SYNAPSE_TERMINAL_FEED_REDIS_URL"
FEED_CHANNEL = "synapse:terminal_feed"
FEED_PASSWORD = "feedPassword"  # noqa: S105 - key in the stack file
FEED_PASSWORD_RULE = "FEED_PASSWORD_RULE"  # noqa: S105 - environment variable of the bus

GATEWAY = BackendSpec(
    kind="gateway",
    phase=3,
    service="synapse-gateway",
    port=8000,
    container_port=8000,
    tasks=(),
    adapter="synapse",
    timeout_s=600,
    callers=frozenset(),
    is_entry_point=True,
    image=None,  # the stack file names the image of its registry, or `build`
    source="gateway_image",
    claim=ResourceClaim(memory_request=2 * GI, memory_limit=4 * GI, cpu_request=2000, cpu_limit=4000),
    replicas=2,
    probes=Probes(  # they check the process alone: a slow backend must not restart the gateway
        startup=Probe(path="/livez", period_s=2, failures=30),
        readiness=Probe(path="/readyz", delay_s=5),
        liveness=Probe(path="/livez", delay_s=10, period_s=30),
    ),
    strategy="RollingUpdate",
    options=GatewayService,
    metrics="/metrics",
    volumes=(Volume(name="synapse-voices", mount="/data/voices", size=5 * GI, is_shared=True),),
    scratch=(Scratch(mount="/tmp", size=2 * GI),),  # noqa: S108 - uploads are spooled here
    secrets=(
        SecretEnv(variable="SYNAPSE_API_KEYS", config_key=API_KEYS, secret="api-keys", key="keys"),  # noqa: S106
        SecretEnv(
            variable="SYNAPSE_DASHBOARD_ACCESS_TOKEN",
            config_key="dashboardToken",
            secret="dashboard",  # noqa: S106 - the name of the Secret
            key="token",
        ),
        SecretEnv(variable=FEED_URL, config_key=FEED_PASSWORD, secret="feed-url", key="url"),  # noqa: S106
    ),
    environment={
        "SYNAPSE_GATEWAY_CONFIG_PATH": "/config/backends.yaml",
        "SYNAPSE_VOICE_LIBRARY_DIR": "/data/voices",
        "SYNAPSE_DRAIN_DELAY_SECONDS": "5",  # the cluster needs this time to stop sending requests here
        "SYNAPSE_DRAIN_SECONDS": "120",
    },
    grace_s=130,
)

FEED_BUS = BackendSpec(
    kind=FEED_BUS_KIND,
    phase=3,
    service="synapse-terminal-feed-redis",
    port=6379,
    container_port=6379,
    tasks=(),
    adapter="redis",
    image="docker.io/library/redis:8.10.2-alpine@sha256:3811787313eba226a2ef38658c6ccb91cd5e110edc89c37767de373120a0e5a0",
    claim=ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=50, cpu_limit=500),
    probes=Probes(
        startup=Probe(period_s=2, failures=30), readiness=Probe(delay_s=3, period_s=5), liveness=Probe(delay_s=5)
    ),
    strategy="Recreate",  # two buses would split the feed
    secrets=(
        SecretEnv(variable=FEED_PASSWORD_RULE, config_key=FEED_PASSWORD, secret="password", key="rule"),  # noqa: S106
    ),
    command=("redis-server",),
    arguments=("--save", "", "--appendonly", "no"),  # its content is outdated after a second
)

LITELLM = BackendSpec(
    kind="litellm",
    phase=3,
    service="litellm-proxy",
    port=8000,
    container_port=8000,
    tasks=(),
    adapter="litellm",
    timeout_s=600,
    callers=frozenset(),
    is_entry_point=True,
    image="ghcr.io/berriai/litellm:v1.103.0@sha256:bd089afdcd35b894b14a93f9743cdc8b591f82da1a38dd43a010a7b0c9de5fd7",
    claim=ResourceClaim(memory_request=2 * GI, memory_limit=4 * GI, cpu_request=2000, cpu_limit=4000),
    replicas=2,
    probes=Probes(  # plain /health calls every model
        startup=Probe(path="/health/liveliness", failures=30),
        readiness=Probe(path="/health/readiness", delay_s=5),
        liveness=Probe(path="/health/liveliness", delay_s=30, period_s=30),
    ),
    strategy="RollingUpdate",
    metrics="/metrics/",
    scratch=(Scratch(mount="/tmp", size=GI),),  # noqa: S108 - inside the container
    secrets=(
        SecretEnv(variable="LITELLM_MASTER_KEY", config_key="litellmKey", secret="master-key", key="key"),  # noqa: S106
    ),
    restart=Restart(
        name="litellm-restart",
        schedule="0 4 * * *",
        image="registry.k8s.io/kubectl:v1.36.4@sha256:b8d523e7b8cdc5e3caa0f8891ee9f504abf137dec786e6e0ddd33e4f272c2f13",
        claim=ResourceClaim(memory_request=64 * MI, memory_limit=128 * MI, cpu_request=50, cpu_limit=250),
    ),
    arguments=("--config", "/config/config.yaml", "--port", "8000"),
    environment={"HOME": "/tmp", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "WARNING"},  # noqa: S108
)

GATEWAY_KINDS = frozenset({GATEWAY.kind, LITELLM.kind})
"""Kinds that clients call, and that call the backends."""
