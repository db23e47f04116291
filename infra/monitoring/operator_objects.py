"""The same targets and rules as a Prometheus operator reads them: its own objects, as plain values.

Source: https://prometheus-operator.dev/docs/api-reference/api
"""

from collections.abc import Iterator
from typing import Any

from infra.labels import NAME_LABEL
from infra.monitoring import alerts, budget_rules, targets
from infra.monitoring.scrape import PROBE
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

API = "monitoring.coreos.com/v1"


def pod_monitors(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and spec of one for each service with metrics: by its pods, since a Service mixes those of several."""
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
    """Name and spec of one for each service without metrics; none where the stack has no prober."""
    for probe in targets.probes(plan):
        (prober, *_) = targets.of_kind(plan.services, "blackbox")
        static = {"static": [probe.address], "labels": {"service": probe.service}}
        yield (
            probe.service,
            {
                "jobName": f"probe-{probe.module}",
                "interval": f"{plan.settings.monitoring.scrape_s}s",
                "module": probe.module,
                "prober": {"url": prober.address(plan.settings.namespace), "path": PROBE},
                "targets": {"staticConfig": static},
            },
        )


def rules(plan: Plan) -> dict[str, Any]:
    """The spec of one PrometheusRule with all of them."""
    return {"groups": [*alerts.groups(plan), *budget_rules.groups(plan)]}


def _endpoints(service: ServicePlan, plan: Plan) -> list[dict[str, Any]]:
    """One, or one for each model where it answers for one at a time."""
    common = {
        "port": "http",
        "path": service.backend.metrics,
        "interval": f"{plan.settings.monitoring.scrape_s}s",
    }
    if service.backend.reads_cluster:
        return [{**common, "honorLabels": True}]  # the namespace that it speaks of, and not its own
    if not service.backend.metrics_per_model:
        return [common]
    return [
        {**common, "params": {"model": [model]}, "relabelings": [{"targetLabel": "model", "replacement": model}]}
        for model in targets.models(plan, service)
    ]
