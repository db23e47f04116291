"""alertmanager.yml: what is told together, how often, and to whom."""

from typing import Any

import yaml

from infra.sections import MonitoringSection

RECEIVER = "people"


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
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
    }


def _quieter() -> dict[str, Any]:
    """A service that is down explains its warnings. Labels that both lack would be equal: hence the last matcher."""
    return {
        "source_matchers": ['severity="critical"', 'service!=""'],
        "target_matchers": ['severity="warning"'],
        "equal": ["service"],
    }
