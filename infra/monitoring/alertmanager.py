"""alertmanager.yml: grouping, intervals and receiver of alerts."""

from typing import Any

from infra.settings.schema import MonitoringSection
from infra.yaml_text import yaml_text

RECEIVER = "people"
GROUP_WAIT_S, GROUP_INTERVAL_S = 30, 300
"""Seconds that a new group waits for more alerts, and between updates of a group."""


def config(section: MonitoringSection) -> str:
    """Return one route to one receiver; without a webhook, alerts are visible only in Alertmanager and Grafana."""
    receiver: dict[str, Any] = {"name": RECEIVER}
    if section.webhook:
        receiver["webhook_configs"] = [{"url": section.webhook, "send_resolved": True}]
    return yaml_text({"route": _route(), "inhibit_rules": [_inhibition()], "receivers": [receiver]})


def _route() -> dict[str, Any]:
    return {
        "receiver": RECEIVER,
        "group_by": ["alertname", "service"],
        "group_wait": f"{GROUP_WAIT_S}s",
        "group_interval": f"{GROUP_INTERVAL_S}s",
        "repeat_interval": "4h",
    }


def _inhibition() -> dict[str, Any]:
    """Suppress the warnings of a service that is down. Missing labels are equal, hence the matcher on `service`."""
    return {
        "source_matchers": ['severity="critical"', 'service!=""'],
        "target_matchers": ['severity="warning"'],
        "equal": ["service"],
    }
