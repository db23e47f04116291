"""Configuration of the blackbox exporter: HTTP probes (2xx), TCP probes, and the probe of the ingress."""

from typing import Any

from infra.monitoring.metric_names import INGRESS
from infra.plan.stack import Plan
from infra.settings.schema import IngressSection
from infra.yaml_text import yaml_text

MODULES: dict[str, Any] = {
    "http": {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": "ip4", "follow_redirects": False}},
    "tcp": {"prober": "tcp", "timeout": "5s", "tcp": {"preferred_ip_protocol": "ip4"}},
}


def config(plan: Plan) -> str:
    """Return blackbox.yml."""
    section = plan.settings.ingress
    ingress = {INGRESS: _ingress_module(section)} if section else {}
    return yaml_text({"modules": {**MODULES, **ingress}})


def _ingress_module(section: IngressSection) -> dict[str, Any]:
    """Request the public host at any address. Ignore the issuer of the certificate; only its expiry is checked."""
    options = {
        **MODULES["http"]["http"],
        "headers": {"Host": section.host},
        "fail_if_not_ssl": True,
        "tls_config": {"server_name": section.host, "insecure_skip_verify": True},
    }
    return {**MODULES["http"], "http": options}
