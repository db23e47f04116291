"""Dashboards as data; a plan has the panels whose source is deployed, and the dashboards that have panels."""

import json
from collections.abc import Mapping
from dataclasses import replace

from infra.monitoring import targets
from infra.monitoring.metric_names import GPUS, INGRESS, STORE
from infra.monitoring.panels import Dashboard, Panel, render
from infra.plan.stack import Plan

SPEECH = "<speech>"
"""Placeholder in an expression for the names of the speech services, as alternatives of a regular expression."""
SPEECH_TASKS = frozenset({"transcription", "speech", "speakers", "audio"})
AUDIO = '{route=~".*(audio|tts|stt|speakers|voices).*"}'


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[5m]))"


def _quantile(share: float, histogram: str, by: str = "le", selector: str = "") -> str:
    return f"histogram_quantile({share}, sum by ({by}) (rate({histogram}_bucket{selector}[5m])))"


def _graph(title: str, source: str, *queries: tuple[str, str], unit: str = "short", stacked: bool = False) -> Panel:
    return Panel(title=title, source=source, queries=queries, unit=unit, stacked=stacked)


def _stat(title: str, source: str, query: tuple[str, str], unit: str = "short", width: int = 12) -> Panel:
    return Panel(title=title, source=source, queries=(query,), unit=unit, shape="stat", width=width, height=6)


def _bars(title: str, *queries: tuple[str, str], unit: str = "short", source: str = STORE) -> Panel:
    return Panel(title=title, source=source, queries=queries, unit=unit, shape="bargauge")


def _latency(title: str, source: str, histogram: str) -> Panel:
    queries = tuple((_quantile(share, histogram), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99))
    return Panel(title=title, source=source, unit="s", queries=queries)


OVERVIEW = Dashboard(
    key="overview",
    title="Synapse: overview",
    panels=(
        _stat("Firing alerts", STORE, ('count(ALERTS{alertstate="firing"}) or vector(0)', "firing"), width=6),
        _stat("Services up", "blackbox", ("probe_success", "{{service}}"), width=18),
        _graph("Scrape targets up", STORE, ("min by (job) (up)", "{{job}}")),
        _graph("Probe duration", "blackbox", ("probe_duration_seconds", "{{service}}"), unit="s"),
        _graph(
            "Requests per second",
            "gateway",
            (_rate("synapse_http_requests_total", "route"), "{{route}}"),
            unit="reqps",
            stacked=True,
        ),
        _graph(
            "Disks in use",
            "node-exporter",
            ("max by (mountpoint) (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)", "{{mountpoint}}"),
            unit="percentunit",
        ),
        _stat("Certificate expires in", INGRESS, ("probe_ssl_earliest_cert_expiry - time()", "public name"), unit="s"),
        _graph("Memory of the GPU", "dcgm-exporter", ("DCGM_FI_DEV_FB_USED", "GPU {{gpu}}"), unit="decmbytes"),
    ),
)
LANGUAGE = Dashboard(
    key="language",
    title="Synapse: language models",
    panels=(
        _latency("vLLM: time to the first token", "vllm", "vllm:time_to_first_token_seconds"),
        _latency("vLLM: time between tokens", "vllm", "vllm:inter_token_latency_seconds"),
        _graph(
            "vLLM: tokens per second",
            "vllm",
            (_rate("vllm:prompt_tokens_total", "model_name"), "read, {{model_name}}"),
            (_rate("vllm:generation_tokens_total", "model_name"), "written, {{model_name}}"),
        ),
        _graph(
            "vLLM: requests",
            "vllm",
            ("vllm:num_requests_running", "running"),
            ("vllm:num_requests_waiting", "waiting"),
        ),
        _graph("vLLM: KV cache in use", "vllm", ("vllm:kv_cache_usage_perc", "in use"), unit="percentunit"),
        _graph("vLLM: preemptions per second", "vllm", ("rate(vllm:num_preemptions_total[5m])", "preempted")),
        _graph("vLLM: state", "vllm", ("vllm:engine_sleep_state", "{{sleep_state}}")),
        _latency("SGLang: time to the first token", "sglang", "sglang:time_to_first_token_seconds"),
        _graph(
            "SGLang: requests",
            "sglang",
            ("sglang:num_running_reqs", "running"),
            ("sglang:num_queue_reqs", "waiting"),
        ),
        _graph("SGLang: tokens per second", "sglang", ("sglang:gen_throughput", "written")),
        _graph("SGLang: KV cache in use", "sglang", ("sglang:token_usage", "in use"), unit="percentunit"),
        _graph("llama.cpp: loaded models", "llama-router", ('up{model!=""}', "{{model}}")),
        _graph(
            "llama.cpp: tokens per second",
            "llama-router",
            (_rate("llamacpp:prompt_tokens_total", "model"), "read, {{model}}"),
            (_rate("llamacpp:tokens_predicted_total", "model"), "written, {{model}}"),
        ),
        _graph(
            "llama.cpp: requests",
            "llama-router",
            ("llamacpp:requests_processing", "running, {{model}}"),
            ("llamacpp:requests_deferred", "waiting, {{model}}"),
        ),
    ),
)
SPEECH_SERVICES = Dashboard(
    key="speech",
    title="Synapse: speech",
    panels=(
        _stat("Services up", "blackbox", (f'probe_success{{service=~"{SPEECH}"}}', "{{service}}"), width=24),
        _graph(
            "Probe duration",
            "blackbox",
            (f'probe_duration_seconds{{service=~"{SPEECH}"}}', "{{service}}"),
            unit="s",
        ),
        _graph(
            "Audio requests per second",
            "gateway",
            (_rate(f"synapse_http_requests_total{AUDIO}", "route, status"), "{{route}} {{status}}"),
            unit="reqps",
        ),
        _graph(
            "Audio requests: time (p95)",
            "gateway",
            (_quantile(0.95, "synapse_http_request_duration_seconds", "le, route", AUDIO), "{{route}}"),
            unit="s",
        ),
    ),
)
GPU = Dashboard(
    key="gpu",
    title="Synapse: GPU",
    panels=(
        _graph(
            "Memory",
            "dcgm-exporter",
            ("DCGM_FI_DEV_FB_USED", "used, GPU {{gpu}}"),
            ("DCGM_FI_DEV_FB_FREE", "free, GPU {{gpu}}"),
            unit="decmbytes",
            stacked=True,
        ),
        _bars(
            "Claimed memory",
            ("synapse_gpu_claim_bytes", "{{workload}}"),
            ("synapse_gpu_bytes", "{{card}}"),
            unit="bytes",
            source=GPUS,
        ),
        _graph(
            "Utilisation",
            "dcgm-exporter",
            ("DCGM_FI_DEV_GPU_UTIL", "kernels, GPU {{gpu}}"),
            ("DCGM_FI_DEV_MEM_COPY_UTIL", "memory, GPU {{gpu}}"),
            unit="percent",
        ),
        _graph("Temperature", "dcgm-exporter", ("DCGM_FI_DEV_GPU_TEMP", "GPU {{gpu}}"), unit="celsius"),
        _graph("Power", "dcgm-exporter", ("DCGM_FI_DEV_POWER_USAGE", "GPU {{gpu}}"), unit="watt"),
        _graph("Clock", "dcgm-exporter", ("DCGM_FI_DEV_SM_CLOCK", "GPU {{gpu}}")),
        _stat("Last Xid", "dcgm-exporter", ("DCGM_FI_DEV_XID_ERRORS", "GPU {{gpu}}")),
    ),
)
GATEWAY = Dashboard(
    key="gateway",
    title="Synapse: gateway",
    panels=(
        _graph(
            "Requests per second",
            "gateway",
            (_rate("synapse_http_requests_total", "status"), "{{status}}"),
            unit="reqps",
            stacked=True,
        ),
        _latency("Request time", "gateway", "synapse_http_request_duration_seconds"),
        _latency("Time to the first chunk of a stream", "gateway", "synapse_first_chunk_seconds"),
        _graph(
            "Breakers: 0 closed, 1 half-open, 2 open",
            "gateway",
            ("max by (backend) (synapse_breaker_state)", "{{backend}}"),
        ),
        _graph(
            "Backends: outcomes per second",
            "gateway",
            (_rate("synapse_backend_requests_total", "backend, outcome"), "{{backend}} {{outcome}}"),
            unit="reqps",
        ),
        _graph(
            "Fallbacks per second",
            "gateway",
            (_rate("synapse_fallbacks_total", "from, to"), "{{from}} to {{to}}"),
            unit="reqps",
        ),
        _graph(
            "Retries per second",
            "gateway",
            (_rate("synapse_backend_retries_total", "backend"), "{{backend}}"),
            unit="reqps",
        ),
        _graph("Open streams", "gateway", ("sum by (route) (synapse_streams_active)", "{{route}}")),
        _graph(
            "LiteLLM: requests per second",
            "litellm",
            (_rate("litellm_proxy_total_requests_metric_total", "requested_model"), "{{requested_model}}"),
            (_rate("litellm_proxy_failed_requests_metric_total", "requested_model"), "failed, {{requested_model}}"),
            unit="reqps",
        ),
        _latency("LiteLLM: request time", "litellm", "litellm_request_total_latency_metric"),
        _graph(
            "LiteLLM: fallbacks per second",
            "litellm",
            (_rate("litellm_deployment_successful_fallbacks_total", "fallback_model"), "{{fallback_model}}"),
            (_rate("litellm_deployment_failed_fallbacks_total", "fallback_model"), "failed, {{fallback_model}}"),
            unit="reqps",
        ),
        _graph(
            "LiteLLM backends: 0 healthy, 1 partial outage, 2 outage",
            "litellm",
            ("max by (api_base) (litellm_deployment_state)", "{{api_base}}"),
        ),
    ),
)
BUDGET = Dashboard(
    key="budget",
    title="Synapse: budget",
    panels=(
        _stat(
            "Memory limits: share of the budget",
            STORE,
            ("sum(synapse_claim_bytes) / scalar(synapse_budget_bytes)", "claimed"),
            "percentunit",
            width=8,
        ),
        _stat(
            "Core limits: share of the budget",
            STORE,
            ("sum(synapse_claim_cores) / scalar(synapse_budget_cores)", "claimed"),
            "percentunit",
            width=8,
        ),
        _stat(
            "GPU memory claims: share of all GPUs",
            GPUS,
            ("sum(synapse_gpu_claim_bytes) / scalar(sum(synapse_gpu_bytes))", "claimed"),
            "percentunit",
            width=8,
        ),
        _bars("Memory limits by workload", ("sort_desc(synapse_claim_bytes)", "{{workload}}"), unit="bytes"),
        _bars(
            "Quota in use",
            (
                'kube_resourcequota{type="used"} / ignoring (type) (kube_resourcequota{type="hard"} > 0)',
                "{{resource}}",
            ),
            unit="percentunit",
            source="kube-state-metrics",
        ),
        _bars("Core limits by workload", ("sort_desc(synapse_claim_cores)", "{{workload}}")),
    ),
)
DASHBOARDS = (OVERVIEW, LANGUAGE, SPEECH_SERVICES, GPU, GATEWAY, BUDGET)


def files(plan: Plan) -> dict[str, str]:
    """Return file name -> JSON of each dashboard that has panels."""
    dashboards = [deployed(dashboard, plan) for dashboard in DASHBOARDS]
    return {f"{each.key}.json": json.dumps(render(each), indent=1) for each in dashboards if each.panels}


def deployed(dashboard: Dashboard, plan: Plan) -> Dashboard:
    """Return the dashboard with the panels whose source is in the plan, for the services of the plan."""
    sources = targets.sources(plan)
    speech = [service.service_name for service in plan.services if SPEECH_TASKS & set(service.backend.tasks)]
    placeholders = {SPEECH: "|".join(speech)}
    return replace(
        dashboard, panels=tuple(_filled(panel, placeholders) for panel in dashboard.panels if panel.source in sources)
    )


def _filled(panel: Panel, placeholders: Mapping[str, str]) -> Panel:
    queries = panel.queries
    for placeholder, text in placeholders.items():
        queries = tuple((query.replace(placeholder, text), legend) for query, legend in queries)
    return replace(panel, queries=queries)
