"""Alerts about what serves requests: the gateway, the engines behind it, and their GPU."""

from infra.monitoring.alert import SERVICE, Alert

PROMPT_S = 10.0
"""Seconds within which the first part of a stream should be there; one of the gateway's own bounds."""
LATE_SHARE = 0.05
"""Of all streams, in the long run, that may be later."""
BURN_RATE = 6
"""Times that share, over an hour and still now: https://sre.google/workbook/alerting-on-slos"""


def _late(window: str) -> str:
    """The share of streams that began late."""
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
        description="More than one request in a hundred gets an answer of the 500s from the gateway.",
    ),
    Alert(
        name="GatewayLatencyBurn",
        source="gateway",
        expression=f"{_late('1h')} > {BURN_RATE * LATE_SHARE:g} and {_late('5m')} > {BURN_RATE * LATE_SHARE:g}",
        minutes=2,
        severity="warning",
        summary="{{ $value | humanizePercentage }} of all streams begin late",
        description=f"Their first part took more than {PROMPT_S:g} seconds, {BURN_RATE} times as often as it may:"
        f" at this rate what {1 - LATE_SHARE:.0%} in time allows for a month is gone in {30 // BURN_RATE} days.",
    ),
    Alert(
        name="GatewayBreakerOpen",
        source="gateway",
        expression="max by (backend) (synapse_breaker_state) == 2",
        minutes=2,
        severity="warning",
        summary="the gateway has given up on {{ $labels.backend }}",
        description="It failed so often that requests are no longer sent to it, but to the next stop of their route.",
    ),
    Alert(
        name="GatewayFallback",
        source="gateway",
        expression="sum by (from, to) (rate(synapse_fallbacks_total[5m])) > 0.1",
        minutes=5,
        severity="warning",
        summary="{{ $labels.to }} serves what {{ $labels.from }} should",
        description="More than one request in ten seconds goes to the second choice of its route.",
    ),
    Alert(
        name="GatewayNoCapacity",
        source="gateway",
        expression='sum by (route, status) (rate(synapse_http_requests_total{status=~"429|503"}[5m])) > 0.05',
        minutes=5,
        severity="warning",
        summary="{{ $labels.route }} turns requests away with {{ $labels.status }}",
        description="A queue is full, or no stop of the route can be used.",
    ),
    Alert(
        name="LiteLLMHighMemory",
        source="litellm",
        about="litellm",
        expression=f'process_resident_memory_bytes{{job="{SERVICE}"}} > 3.5e9',
        minutes=10,
        severity="warning",
        summary=f"a pod of {SERVICE} holds {{{{ $value | humanize1024 }}}}B",
        description="It grows under load, and is killed at its memory limit unless it restarts before.",
    ),
    Alert(
        name="LiteLLMFallback",
        source="litellm",
        expression="sum by (requested_model) (rate(litellm_deployment_successful_fallbacks_total[5m])) > 0.1",
        minutes=5,
        severity="warning",
        summary="{{ $labels.requested_model }} is served by its second choice",
        description="More than one request in ten seconds goes to the second choice of its route.",
    ),
    Alert(
        name="VLLMQueueDepth",
        source="vllm",
        expression="vllm:num_requests_waiting > 10",
        minutes=5,
        severity="warning",
        summary="{{ $value }} requests wait for vLLM",
        description="More requests arrive than the engine has sequences for.",
    ),
    Alert(
        name="SGLangQueueDepth",
        source="sglang",
        expression="sglang:num_queue_reqs > 10",
        minutes=5,
        severity="warning",
        summary="{{ $value }} requests wait for SGLang",
        description="More requests arrive than the engine has room for.",
    ),
    Alert(
        name="LlamaQueueDepth",
        source="llama-router",
        expression="llamacpp:requests_deferred > 10",
        minutes=5,
        severity="warning",
        summary="{{ $value }} requests wait for {{ $labels.model }}",
        description="More requests arrive than the server has slots for.",
    ),
    Alert(
        name="GPUTemperatureHigh",
        source="dcgm-exporter",
        expression="DCGM_FI_DEV_GPU_TEMP > 85",
        minutes=5,
        severity="critical",
        summary="GPU {{ $labels.gpu }} is at {{ $value }} C",
        description="It lowers its clock when it is too hot, and switches off before it is damaged.",
    ),
    Alert(
        name="GPUMemoryHigh",
        source="dcgm-exporter",
        expression="DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) > 0.9",
        minutes=5,
        severity="warning",
        summary="{{ $value | humanizePercentage }} of GPU {{ $labels.gpu }}'s memory is in use",
        description="The next allocation may fail, and takes its engine down with it.",
    ),
    Alert(
        name="GPUXid",
        source="dcgm-exporter",
        expression="DCGM_FI_DEV_XID_ERRORS > 0",
        minutes=0,
        severity="critical",
        summary="GPU {{ $labels.gpu }} reported Xid {{ $value }}",
        description="The driver reported a fault of the card, of the driver or of a program on it.",
    ),
)
