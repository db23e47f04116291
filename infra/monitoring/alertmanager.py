"""alertmanager.yml: what is told together, how often, and to whom."""

from typing import Any

import yaml

from infra.settings.schema import MonitoringSection

RECEIVER = "people"
GROUP_WAIT_S, GROUP_INTERVAL_S = 30, 300
"""Seconds that the first alert of a group waits for others of it, and that news of a group wait for more."""


def config(section: MonitoringSection) -> str:
    """One route to one receiver; without a webhook alerts are seen in Alertmanager and Grafana only."""
    receiver: dict[str, Any] = {"name": RECEIVER}
    if section.webhook:
        receiver["webhook_configs"] = [{"url": section.webhook, "send_resolved": True}]
    return yaml.safe_dump(
        {"route": _route(), "inhibit_rules": [_quieter()], "receivers": [receiver]},
        sort_keys=False,
    )


def _route() -> dict[str, Any]:
    return {
        "receiver": RECEIVER,
        "group_by": ["alertname", "service"],
        "group_wait": f"{GROUP_WAIT_S}s",
        "group_interval": f"{GROUP_INTERVAL_S}s",
        "repeat_interval": "4h",
    }


def _quieter() -> dict[str, Any]:
    """A service that is down explains its warnings. Labels that both lack would be equal: hence the last matcher."""
    return {
        "source_matchers": ['severity="critical"', 'service!=""'],
        "target_matchers": ['severity="warning"'],
        "equal": ["service"],
    }
