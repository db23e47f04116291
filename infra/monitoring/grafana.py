"""Provisioning files of Grafana: data sources, dashboards and access."""

from infra.monitoring import targets
from infra.monitoring.panels import DATASOURCE
from infra.plan.stack import Plan
from infra.yaml_text import yaml_text

DASHBOARDS = "/dashboards"
SIGNED_IN = {"GF_AUTH_ANONYMOUS_ENABLED": "false"}
ANONYMOUS = {
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_AUTH_DISABLE_LOGIN_FORM": "true",
    "GF_AUTH_BASIC_ENABLED": "false",
    "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",  # otherwise an administrator with a default password exists
}


def access(*, has_password: bool) -> dict[str, str]:
    """Return the access settings: sign-in where an administrator password is set, else anonymous viewing only."""
    return SIGNED_IN if has_password else ANONYMOUS


def datasources(plan: Plan) -> str:
    """Return the data sources: the stack's Prometheus, and its Alertmanager where there is one."""
    prometheus = targets.of_kind(plan.services, "prometheus")[0]
    sources = [
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
        sources.append(
            {
                "name": "Alertmanager",
                "type": "alertmanager",
                "uid": "alertmanager",
                "url": f"http://{alertmanager.address(plan.settings.namespace)}",
                "access": "proxy",
                "jsonData": {"implementation": "prometheus"},
            }
        )
    return yaml_text({"apiVersion": 1, "datasources": sources})


def providers() -> str:
    """Return the dashboard provider: one read-only folder."""
    folder = {"path": DASHBOARDS}
    provider = {"name": "synapse", "type": "file", "folder": "Synapse", "disableDeletion": True, "options": folder}
    return yaml_text({"apiVersion": 1, "providers": [provider]})
