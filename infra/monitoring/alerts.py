"""Alert rules of a plan: each alert once, or once for each service that it concerns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.monitoring import platform_alerts, serving_alerts, targets
from infra.monitoring.alert import PROBED, RESTARTED, SCRAPED, SERVICE, Alert
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

ALERTS: tuple[Alert, ...] = (*platform_alerts.ALERTS, *serving_alerts.ALERTS)


def groups(plan: Plan) -> list[dict[str, Any]]:
    """Return the rule groups of the plan for Prometheus and its operator."""
    rules = [rule for alert in ALERTS for rule in _rules(alert, plan)]
    return [{"name": "synapse", "rules": rules}]


def runbook(alert: Alert, base: str) -> str:
    return f"{base.rstrip('/')}/{alert.name}.md"


def _rules(alert: Alert, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the rules of an alert: none without its source or its services, one for each service in its expression."""
    if alert.source not in targets.sources(plan):
        return
    services = _concerned(alert, plan.services)
    if SERVICE in alert.expression:
        names = [service.service_name for service in services]
    else:
        names = [""] if services or not alert.about else []
    yield from (_rule(alert, name, plan.settings.monitoring.runbooks) for name in names)


def _concerned(alert: Alert, services: Sequence[ServicePlan]) -> Sequence[ServicePlan]:
    selections = {PROBED: targets.probed, SCRAPED: targets.always_scraped, RESTARTED: targets.restarted}
    if alert.about not in selections:
        return targets.of_kind(services, alert.about or alert.source)
    specific = {other.about for other in ALERTS if other.source == alert.source}
    return [service for service in selections[alert.about](services) if service.backend.kind not in specific]


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
