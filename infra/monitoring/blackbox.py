"""The prober's configuration: a page that must answer 2xx, a port that must open, and the public name."""

from typing import Any

import yaml

from infra.monitoring.metric_names import INGRESS
from infra.plan.stack import Plan
from infra.settings.schema import IngressSection

MODULES: dict[str, Any] = {
    "http": {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": "ip4", "follow_redirects": False}},
    "tcp": {"prober": "tcp", "timeout": "5s", "tcp": {"preferred_ip_protocol": "ip4"}},
}


def config(plan: Plan) -> str:
    """blackbox.yml."""
    section = plan.settings.ingress
    public = {INGRESS: _public(section)} if section else {}
    return yaml.safe_dump({"modules": {**MODULES, **public}}, sort_keys=False)


def _public(section: IngressSection) -> dict[str, Any]:
    """Ask for the name, wherever it is reached. Who signed its certificate is for clients to judge, its end for us."""
    options = {
        **MODULES["http"]["http"],
        "headers": {"Host": section.host},
        "fail_if_not_ssl": True,
        "tls_config": {"server_name": section.host, "insecure_skip_verify": True},
    }
    return {**MODULES["http"], "http": options}
