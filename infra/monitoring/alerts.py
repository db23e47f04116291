"""The rules of what a plan deploys: each alert once, or once for each service that it is about."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.monitoring import platform_alerts, serving_alerts, targets
from infra.monitoring.alert import PROBED, RESTARTED, SCRAPED, SERVICE, Alert
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

ALERTS: tuple[Alert, ...] = (*platform_alerts.ALERTS, *serving_alerts.ALERTS)


def groups(plan: Plan) -> list[dict[str, Any]]:
    """The rule groups of what the plan deploys, as Prometheus and its operator read them."""
    rules = [rule for alert in ALERTS for rule in _rules(alert, plan)]
    return [{"name": "synapse", "rules": rules}]


def runbook(alert: Alert, base: str) -> str:
    return f"{base.rstrip('/')}/{alert.name}.md"


def _rules(alert: Alert, plan: Plan) -> Iterator[dict[str, Any]]:
    """None without its source or without what it is about; one for each service that it names."""
    if alert.source not in targets.sources(plan):
        return
    found = _subjects(alert, plan.services)
    if SERVICE in alert.expression:
        names = [service.service_name for service in found]
    else:
        names = [""] if found or not alert.about else []
    yield from (_rule(alert, name, plan.settings.monitoring.runbooks) for name in names)


def _subjects(alert: Alert, services: Sequence[ServicePlan]) -> Sequence[ServicePlan]:
    watched = {PROBED: targets.probed, SCRAPED: targets.always_scraped, RESTARTED: targets.restarted}
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
