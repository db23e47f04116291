"""Alerts as data: what is watched, from when on it is worth a person's time, and which page says what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from infra.monitoring import targets
from infra.monitoring.names import STORE
from infra.placement import Placed
from infra.plan import Plan

SERVICE = "<service>"
"""In an expression: the name of each service in question; without it there is one rule for all of them."""
PROBED, SCRAPED = "probed", "scraped"
"""In place of a kind: every service that is watched in that way, less the kinds with an alert of their own."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. *source* exposes its metrics, and *about* is the kind in question, if that is another.

    *minutes* is how long the expression must hold.
    """

    name: str
    source: str
    expression: str
    minutes: int
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    about: str = ""


def _gone(metric: str, label: str) -> str:
    """Whether it says 0, or nothing: a series that is missing is equal to nothing, not to 0."""
    selector = f'{metric}{{{label}="{SERVICE}"}}'
    return f"{selector} == 0 or absent({selector})"


ALERTS: tuple[Alert, ...] = (
    Alert(
        name="OllamaDown",
        source="blackbox",
        about="ollama",
        expression=_gone("probe_success", "service"),
        minutes=2,
        severity="critical",
        summary=f"{SERVICE} does not answer",
        description="Embeddings, and chat that falls back to the CPU, have no server.",
    ),
    Alert(
        name="ServiceDown",
        source="blackbox",
        about=PROBED,
        expression=_gone("probe_success", "service"),
        minutes=5,
        severity="critical",
        summary=f"{SERVICE} does not answer",
        description="Its health page, or its port where it has none, has not answered for five minutes.",
    ),
    Alert(
        name="TargetDown",
        source=STORE,
        about=SCRAPED,
        expression=_gone("up", "job"),
        minutes=5,
        severity="critical",
        summary=f"a pod of {SERVICE} has no metrics",
        description="It is down, it hangs, or no NetworkPolicy lets Prometheus reach it.",
    ),
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
        expression="sum by (requested_model, fallback_model)"
        " (rate(litellm_deployment_successful_fallbacks_total[5m])) > 0.1",
        minutes=5,
        severity="warning",
        summary="{{ $labels.fallback_model }} serves what {{ $labels.requested_model }} should",
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
    Alert(
        name="AlertsUndelivered",
        source="prometheus",
        about="alertmanager",
        expression="rate(prometheus_notifications_errors_total[5m]) > 0",
        minutes=5,
        severity="critical",
        summary="alerts do not reach Alertmanager",
        description="Prometheus sees what is wrong, and nobody is told.",
    ),
    Alert(
        name="WebhookFailing",
        source="alertmanager",
        expression="rate(alertmanager_notifications_failed_total[5m]) > 0",
        minutes=5,
        severity="warning",
        summary="the webhook does not take alerts",
        description="Alertmanager has alerts to tell, and the address of synapse:monitoring.webhook refuses them.",
    ),
    Alert(
        name="MonitoringReloadFailed",
        source="prometheus",
        expression="prometheus_config_last_reload_successful == 0",
        minutes=5,
        severity="warning",
        summary="Prometheus runs on its former configuration",
        description="It could not read the new one, and kept the one before.",
    ),
)


def groups(plan: Plan) -> list[dict[str, Any]]:
    """The rule groups of what the plan deploys, as Prometheus and its operator read them."""
    rules = [rule for alert in ALERTS for rule in _rules(alert, plan)]
    return [{"name": "synapse", "rules": rules}]


def runbook(alert: Alert, base: str) -> str:
    return f"{base.rstrip('/')}/{alert.name}.md"


def _rules(alert: Alert, plan: Plan) -> Iterator[dict[str, Any]]:
    """None without its source or without what it is about; one for each service that it names."""
    if alert.source not in {*targets.kinds(plan.services), STORE}:
        return
    found = _subjects(alert, plan.services)
    names = [service.service_name for service in found] if SERVICE in alert.expression else [""][: len(found)]
    yield from (_rule(alert, name, plan.settings.monitoring.runbooks) for name in names)


def _subjects(alert: Alert, services: Sequence[Placed]) -> Sequence[Placed]:
    watched = {PROBED: targets.probed, SCRAPED: targets.always_scraped}
    if alert.about not in watched:
        return targets.of_kind(services, alert.about or alert.source)
    own = {other.about for other in ALERTS if other.source == alert.source}
    return [service for service in watched[alert.about](services) if service.backend.kind not in own]


def _rule(alert: Alert, name: str, runbooks: str) -> dict[str, Any]:
    labels: Mapping[str, str] = {"service": name} if name else {}
    return {
        "alert": alert.name,
        "expr": alert.expression.replace(SERVICE, name),
        "for": f"{alert.minutes}m",
        "labels": {"severity": alert.severity, **labels},
        "annotations": {
            "summary": alert.summary.replace(SERVICE, name),
            "description": alert.description,
            "runbook_url": runbook(alert, runbooks),
        },
    }
