"""Metrics that each kind exposes; alerts and dashboards may use no others.

Tests verify them on the private cluster, or against recordings of the catalog's version: docs/alerts.md.
"""

from collections.abc import Mapping

from infra.monitoring.cluster_state import FAMILIES
from infra.monitoring.gpu_counters import COUNTERS

STORE = "store"
"""Source in place of a kind: series of Prometheus itself and of the recording rules."""
GPUS = "gpus"
"""Source of the recording rules that exist where the node has GPUs."""
INGRESS = "ingress"
"""Source of the ingress probe, where the gateway has a public name; also its service label."""


def _histogram(name: str) -> tuple[str, ...]:
    return f"{name}_bucket", f"{name}_sum", f"{name}_count"


EXPOSED: Mapping[str, frozenset[str]] = {
    STORE: frozenset(
        {
            "up",
            "ALERTS",
            "synapse_budget_bytes",
            "synapse_budget_cores",
            "synapse_claim_bytes",
            "synapse_claim_cores",
            "synapse_spare_bytes",
            "synapse_spare_cores",
        }
    ),
    GPUS: frozenset({"synapse_gpu_bytes", "synapse_gpu_claim_bytes"}),
    INGRESS: frozenset({"probe_success", "probe_ssl_earliest_cert_expiry"}),
    "gateway": frozenset(
        {
            "synapse_http_requests_total",
            *_histogram("synapse_http_request_duration_seconds"),
            *_histogram("synapse_first_chunk_seconds"),
            "synapse_backend_requests_total",
            "synapse_backend_retries_total",
            "synapse_breaker_state",  # 0 closed, 1 half-open, 2 open
            "synapse_fallbacks_total",
            "synapse_backend_up",
            "synapse_streams_active",
            "synapse_feed_dropped_events_total",
            "synapse_feed_publish_failures_total",
            "synapse_build_info",
        }
    ),
    "litellm": frozenset(
        {
            "litellm_proxy_total_requests_metric_total",
            "litellm_proxy_failed_requests_metric_total",
            *_histogram("litellm_request_total_latency_metric"),
            *_histogram("litellm_llm_api_time_to_first_token_metric"),
            "litellm_deployment_state",  # 0 healthy, 1 partial outage, 2 complete outage
            "litellm_deployment_successful_fallbacks_total",
            "litellm_deployment_failed_fallbacks_total",
            "process_resident_memory_bytes",
        }
    ),
    "vllm": frozenset(
        {
            "vllm:num_requests_running",
            "vllm:num_requests_waiting",
            "vllm:kv_cache_usage_perc",  # 1 is full, in spite of its name
            "vllm:prompt_tokens_total",
            "vllm:generation_tokens_total",
            "vllm:num_preemptions_total",
            "vllm:engine_sleep_state",
            *_histogram("vllm:time_to_first_token_seconds"),
            *_histogram("vllm:inter_token_latency_seconds"),
            *_histogram("vllm:e2e_request_latency_seconds"),
        }
    ),
    "sglang": frozenset(
        {
            "sglang:num_running_reqs",
            "sglang:num_queue_reqs",
            "sglang:token_usage",  # of the KV cache, 1 is full
            "sglang:gen_throughput",
            *_histogram("sglang:time_to_first_token_seconds"),
        }
    ),
    "llama-router": frozenset(
        {
            "llamacpp:requests_processing",
            "llamacpp:requests_deferred",
            "llamacpp:prompt_tokens_total",
            "llamacpp:tokens_predicted_total",
            "llamacpp:predicted_tokens_seconds",
        }
    ),
    "prometheus": frozenset(
        {
            "prometheus_config_last_reload_successful",
            "prometheus_notifications_errors_total",
            "prometheus_tsdb_storage_blocks_bytes",
            "process_resident_memory_bytes",
        }
    ),
    "alertmanager": frozenset(
        {"alertmanager_notifications_failed_total", "alertmanager_config_last_reload_successful"}
    ),
    "grafana": frozenset(),
    "blackbox": frozenset({"probe_success", "probe_duration_seconds", "probe_http_status_code"}),
    "dcgm-exporter": frozenset(name for name, _, _ in COUNTERS),
    "kube-state-metrics": frozenset(FAMILIES),
    "node-exporter": frozenset({"node_filesystem_avail_bytes", "node_filesystem_size_bytes"}),
}
