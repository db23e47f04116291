"""What Grafana finds at its start: where the series are, where the dashboards lie, and who may look."""

import yaml

from infra.monitoring import targets
from infra.monitoring.panels import DATASOURCE
from infra.plan.stack import Plan

DASHBOARDS = "/dashboards"
SIGNED_IN = {"GF_AUTH_ANONYMOUS_ENABLED": "false"}
ANYBODY = {
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_AUTH_DISABLE_LOGIN_FORM": "true",
    "GF_AUTH_BASIC_ENABLED": "false",
    "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",  # else there is one whose password everybody knows
}


def access(*, has_password: bool) -> dict[str, str]:
    """With a password of its administrator, people sign in; without one anybody who gets there may look, no more."""
    return SIGNED_IN if has_password else ANYBODY


def datasources(plan: Plan) -> str:
    """The stack's own Prometheus, and its Alertmanager where there is one."""
    prometheus = targets.of_kind(plan.services, "prometheus")[0]
    found = [
        {
            "name": "Prometheus",
            **DATASOURCE,
            "url": f"http://{prometheus.address(plan.settings.namespace)}",
            "access": "proxy",
            "isDefault": True,
            "jsonData": {"timeInterval": f"{plan.settings.monitoring.scrape_s}s"},
        }
    ]
    for alertmanager in targets.of_kind(plan.services, "alertmanager")[:1]:
        found.append(
            {
                "name": "Alertmanager",
                "type": "alertmanager",
                "uid": "alertmanager",
                "url": f"http://{alertmanager.address(plan.settings.namespace)}",
                "access": "proxy",
                "jsonData": {"implementation": "prometheus"},
            }
        )
    return yaml.safe_dump({"apiVersion": 1, "datasources": found}, sort_keys=False)


def providers() -> str:
    """One folder of dashboards, which nobody edits by hand."""
    folder = {"path": DASHBOARDS}
    provider = {"name": "synapse", "type": "file", "folder": "Synapse", "disableDeletion": True, "options": folder}
    return yaml.safe_dump({"apiVersion": 1, "providers": [provider]}, sort_keys=False)
