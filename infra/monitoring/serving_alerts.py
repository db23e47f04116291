"""Alerts of the request path: the gateway, the engines, and their GPU."""

from infra.monitoring.alert import SERVICE, Alert

PROMPT_S = 10.0
"""Target time to the first chunk of a stream, in seconds; a bucket of the gateway's histogram."""
LATE_SHARE = 0.05
"""Share of streams that may be later than the target (error budget)."""
BURN_RATE = 6
"""Burn rate of that budget over the last hour and the last 5 min: https://sre.google/workbook/alerting-on-slos"""


def _late(window: str) -> str:
    """Return the expression for the share of streams that began late."""
    histogram = "synapse_first_chunk_seconds"
    prompt = f'sum(rate({histogram}_bucket{{le="{PROMPT_S}"}}[{window}]))'
    return f"1 - {prompt} / sum(rate({histogram}_count[{window}]))"


ALERTS: tuple[Alert, ...] = (
    Alert(
        name="GatewayErrors",
        source="gateway",
        expression='sum(rate(synapse_http_requests_total{status=~"5.."}[5m]))'
        " / sum(rate(synapse_http_requests_total[5m])) > 0.01",
        minutes=5,
        severity="critical",
        summary="{{ $value | humanizePercentage }} of all requests fail",
        description="The gateway answers more than one request in a hundred with a status of 5xx.",
    ),
    Alert(
        name="GatewayLatencyBurn",
        source="gateway",
        expression=f"{_late('1h')} > {BURN_RATE * LATE_SHARE:g} and {_late('5m')} > {BURN_RATE * LATE_SHARE:g}",
        minutes=2,
        severity="warning",
        summary="{{ $value | humanizePercentage }} of all streams begin late",
        description=f"Their first chunk took more than {PROMPT_S:g} seconds, {BURN_RATE} times as often as the target"
        f" of {1 - LATE_SHARE:.0%} in time allows: the error budget of a month then lasts {30 // BURN_RATE} days.",
    ),
    Alert(
        name="GatewayBreakerOpen",
        source="gateway",
        expression="max by (backend) (synapse_breaker_state) == 2",
        minutes=2,
        severity="warning",
        summary="the circuit breaker of {{ $labels.backend }} is open",
        description="It failed so often that the gateway sends its requests to the next target of their route.",
    ),
    Alert(
        name="GatewayFallback",
        source="gateway",
        expression="sum by (from, to) (rate(synapse_fallbacks_total[5m])) > 0.1",
        minutes=5,
        severity="warning",
        summary="{{ $labels.to }} serves requests for {{ $labels.from }}",
        description="More than one request in ten seconds is served by a fallback of its route.",
    ),
    Alert(
        name="GatewayNoCapacity",
        source="gateway",
        expression='sum by (route, status) (rate(synapse_http_requests_total{status=~"429|503"}[5m])) > 0.05',
        minutes=5,
        severity="warning",
        summary="{{ $labels.route }} rejects requests with {{ $labels.status }}",
        description="A queue is full, or no target of the route is available.",
    ),
    Alert(
        name="LiteLLMHighMemory",
        source="litellm",
        about="litellm",
        expression=f'process_resident_memory_bytes{{job="{SERVICE}"}} > 3.5e9',
        minutes=10,
        severity="warning",
        summary=f"a pod of {SERVICE} uses {{{{ $value | humanize1024 }}}}B of memory",
        description="Its memory grows under load; the pod is killed at its limit, unless it is restarted before.",
    ),
    Alert(
        name="LiteLLMFallback",
        source="litellm",
        expression="sum by (requested_model) (rate(litellm_deployment_successful_fallbacks_total[5m])) > 0.1",
        minutes=5,
        severity="warning",
        summary="{{ $labels.requested_model }} is served by its fallback",
        description="More than one request in ten seconds is served by a fallback of its route.",
    ),
    Alert(
        name="VLLMQueueDepth",
        source="vllm",
        expression="vllm:num_requests_waiting > 10",
        minutes=5,
        severity="warning",
        summary="{{ $value }} requests wait for vLLM",
        description="More requests arrive than the engine has sequences.",
    ),
    Alert(
        name="SGLangQueueDepth",
        source="sglang",
        expression="sglang:num_queue_reqs > 10",
        minutes=5,
        severity="warning",
        summary="{{ $value }} requests wait for SGLang",
        description="More requests arrive than the engine can run at once.",
    ),
    Alert(
        name="LlamaQueueDepth",
        source="llama-router",
        expression="llamacpp:requests_deferred > 10",
        minutes=5,
        severity="warning",
        summary="{{ $value }} requests wait for {{ $labels.model }}",
        description="More requests arrive than the server has slots.",
    ),
    Alert(
        name="GPUTemperatureHigh",
        source="dcgm-exporter",
        expression="DCGM_FI_DEV_GPU_TEMP > 85",
        minutes=5,
        severity="critical",
        summary="GPU {{ $labels.gpu }} is at {{ $value }} C",
        description="A GPU that is too hot lowers its clock, and shuts down before it is damaged.",
    ),
    Alert(
        name="GPUMemoryHigh",
        source="dcgm-exporter",
        expression="DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) > 0.9",
        minutes=5,
        severity="warning",
        summary="{{ $value | humanizePercentage }} of GPU {{ $labels.gpu }}'s memory is in use",
        description="The next allocation may fail, and the engine with it.",
    ),
    Alert(
        name="GPUXid",
        source="dcgm-exporter",
        expression="DCGM_FI_DEV_XID_ERRORS > 0",
        minutes=0,
        severity="critical",
        summary="GPU {{ $labels.gpu }} reported Xid {{ $value }}",
        description="The driver reported a fault of the GPU, of the driver, or of a program on the GPU.",
    ),
)
