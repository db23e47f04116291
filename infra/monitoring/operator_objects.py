"""Targets and rules as objects of a Prometheus operator, in plain values.

Source: https://prometheus-operator.dev/docs/api-reference/api
"""

from collections.abc import Iterator
from typing import Any

from infra.labels import NAME_LABEL
from infra.monitoring import alerts, recording_rules, targets
from infra.monitoring.scrape import PROBE
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

API = "monitoring.coreos.com/v1"


def pod_monitors(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and spec of a PodMonitor for each service with metrics; a Service would mix the pods."""
    for service in targets.scraped(plan.services):
        yield (
            service.service_name,
            {
                "jobLabel": NAME_LABEL,
                "selector": {"matchLabels": {NAME_LABEL: service.service_name}},
                "podMetricsEndpoints": _endpoints(service, plan),
            },
        )


def probes(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and spec of a Probe for each service without metrics, where the stack has a blackbox exporter."""
    for probe in targets.probes(plan):
        (exporter, *_) = targets.of_kind(plan.services, "blackbox")
        static = {"static": [probe.address], "labels": {"service": probe.service}}
        yield (
            probe.service,
            {
                "jobName": f"probe-{probe.module}",
                "interval": f"{plan.settings.monitoring.scrape_s}s",
                "module": probe.module,
                "prober": {"url": exporter.address(plan.settings.namespace), "path": PROBE},
                "targets": {"staticConfig": static},
            },
        )


def rules(plan: Plan) -> dict[str, Any]:
    """Return the spec of one PrometheusRule with all rules."""
    return {"groups": [*alerts.groups(plan), *recording_rules.groups(plan)]}


def _endpoints(service: ServicePlan, plan: Plan) -> list[dict[str, Any]]:
    """Return one endpoint, or one for each model where the metrics are per model."""
    common = {
        "port": "http",
        "path": service.backend.metrics,
        "interval": f"{plan.settings.monitoring.scrape_s}s",
    }
    if service.backend.reads_cluster:
        return [{**common, "honorLabels": True}]  # keep the namespace of the object, not of the exporter
    if not service.backend.metrics_per_model:
        return [common]
    return [
        {**common, "params": {"model": [model]}, "relabelings": [{"targetLabel": "model", "replacement": model}]}
        for model in targets.models(plan, service)
    ]
