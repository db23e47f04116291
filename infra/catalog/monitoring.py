"""Monitoring: metrics, alerts, dashboards, and exporters for services without metrics."""

from dataclasses import replace

from infra.catalog.spec import OBSERVED, BackendSpec, Probe, Probes, Scratch, SecretEnv, Volume
from infra.quantities import GI, MI
from infra.settings.services import PrometheusService
from infra.sizing.budget import ResourceClaim


def _probes(ready: str, healthy: str, startup_failures: int = 30) -> Probes:
    return Probes(
        startup=Probe(path=ready, failures=startup_failures),
        readiness=Probe(path=ready),
        liveness=Probe(path=healthy, period_s=30),
    )


def _server(kind: str, port: int, *, image: str, claim: ResourceClaim, probes: Probes) -> BackendSpec:
    """Return a server with metrics that serves no requests of clients; one pod, since two would corrupt its store."""
    return BackendSpec(
        kind=kind,
        phase=6,
        service=kind,
        port=port,
        container_port=port,
        tasks=(),
        adapter=kind,
        image=image,
        claim=claim,
        probes=probes,
        strategy="Recreate",
        metrics="/metrics",
        callers=frozenset(),
    )


PROMETHEUS = replace(
    _server(
        "prometheus",
        9090,
        image="docker.io/prom/prometheus:v3.15.0@sha256:efd719c99d83b060d9daefdcf00360461adf279f45ef5391f8d111892118753e",
        claim=ResourceClaim(memory_request=512 * MI, memory_limit=2 * GI, cpu_request=100, cpu_limit=500),
        probes=_probes("/-/ready", "/-/healthy", startup_failures=90),  # it replays its log first
    ),
    callers=frozenset({"grafana"}),
    from_operator=True,
    options=PrometheusService,
    volumes=(Volume(name="prometheus-data", mount="/data", size=20 * GI),),
    arguments=("--config.file=/config/prometheus.yml", "--config.auto-reload", "--storage.tsdb.path=/data"),
)

ALERTMANAGER = replace(
    _server(
        "alertmanager",
        9093,
        image="docker.io/prom/alertmanager:v0.34.1@sha256:e9733bafb1bdef9b00e25a21f8f99dc26a22224bf16641ad754d1649f4c3357a",
        claim=ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=10, cpu_limit=100),
        probes=_probes("/-/ready", "/-/healthy"),
    ),
    callers=frozenset({"prometheus", "grafana"}),
    from_operator=True,
    calls="webhook",
    volumes=(Volume(name="alertmanager-data", mount="/data", size=GI),),  # silences, and the record of sent alerts
    arguments=(
        "--config.file=/config/alertmanager.yml",
        "--storage.path=/data",
        "--cluster.listen-address=",  # a single replica needs no gossip
    ),
)

GRAFANA = replace(
    _server(
        "grafana",
        3000,
        image="docker.io/grafana/grafana:13.2.3@sha256:b28bae15e219c998fb0e0424ed724930cc61b1f61fb404d47c862f9a23f9e572",
        claim=ResourceClaim(memory_request=256 * MI, memory_limit=768 * MI, cpu_request=50, cpu_limit=300),
        probes=_probes("/api/health", "/api/health", startup_failures=60),  # it creates its database at each start
    ),
    from_operator=True,
    scratch=(Scratch(mount="/data", size=GI), Scratch(mount="/tmp", size=256 * MI)),  # noqa: S108 - in the container
    secrets=(
        SecretEnv(
            variable="GF_SECURITY_ADMIN_PASSWORD",
            config_key="grafanaPassword",
            secret="admin",  # noqa: S106 - its name
            key="password",
        ),
    ),
    environment={
        "GF_PATHS_DATA": "/data",
        "GF_PATHS_LOGS": "/data/log",
        "GF_PATHS_PLUGINS": "/data/plugins",
        "GF_PATHS_PROVISIONING": "/provisioning",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",  # Grafana would download them from the internet
        "GF_USERS_ALLOW_SIGN_UP": "false",
    },
)

BLACKBOX = replace(
    _server(
        "blackbox",
        9115,
        image="docker.io/prom/blackbox-exporter:v0.28.0@sha256:e753ff9f3fc458d02cca5eddab5a77e1c175eee484a8925ac7d524f04366c2fc",
        claim=ResourceClaim(memory_request=32 * MI, memory_limit=128 * MI, cpu_request=10, cpu_limit=100),
        probes=_probes("/-/healthy", "/-/healthy"),
    ),
    callers=frozenset({"prometheus"}),
    service="blackbox-exporter",
    calls="ingress",
    arguments=("--config.file=/config/blackbox.yml",),
)

DCGM_EXPORTER = replace(
    _server(
        "dcgm-exporter",
        9400,
        image="nvcr.io/nvidia/k8s/dcgm-exporter:4.6.0-4.8.3-distroless@sha256:613ab03c11d442fd960ff515f547e9921537454a712d08160bc8f677f89f1c35",
        claim=ResourceClaim(memory_request=128 * MI, memory_limit=512 * MI, cpu_request=50, cpu_limit=100),
        probes=_probes("/health", "/health"),
    ),
    observes_gpu=True,
    scratch=(Scratch(mount="/tmp", size=64 * MI),),  # noqa: S108 - inside the container
    arguments=("--collectors", "/config/counters.csv", "--address", ":9400"),
    environment={
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "utility",
        "DCGM_EXPORTER_KUBERNETES": "false",  # the kubelet's socket with the GPU's pod is a host path
    },
)

KUBE_STATE_METRICS = replace(
    _server(
        "kube-state-metrics",
        8080,
        image="registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0@sha256:42cfe3723a5f058171c627537fb57a3ea0f26e4380fa18555a95cb1a1b4cfc5b",
        claim=ResourceClaim(memory_request=32 * MI, memory_limit=128 * MI, cpu_request=10, cpu_limit=100),
        probes=_probes("/healthz", "/healthz"),
    ),
    reads_cluster=True,
)

NODE_EXPORTER = replace(
    _server(
        "node-exporter",
        9100,
        image="docker.io/prom/node-exporter:v1.12.1@sha256:1b4e4438faca4dd7e001dd445d161a4a2091b0fededa84093b3a8dfeae1f1be0",
        claim=ResourceClaim(memory_request=16 * MI, memory_limit=64 * MI, cpu_request=10, cpu_limit=100),
        probes=_probes("/", "/"),
    ),
    observes_volumes=True,
    arguments=(
        "--collector.disable-defaults",
        "--collector.filesystem",
        f"--collector.filesystem.mount-points-include=^{OBSERVED}/",
        "--collector.filesystem.fs-types-exclude=^$",  # a PVC may be on any
    ),
)
