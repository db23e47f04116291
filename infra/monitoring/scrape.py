"""prometheus.yml: every target by DNS name, so that Prometheus needs no rights in the cluster.

Jobs are named after services. A service with several pods has a headless Service, through which each pod is scraped;
behind a single address their counters would mix.
"""

from collections.abc import Iterator
from typing import Any

from infra.monitoring import targets
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.yaml_text import yaml_text

RULE_FILES = ("alerts.yml", "budget.yml")
PROBE = "/probe"


def config(plan: Plan, prometheus: ServicePlan) -> str:
    """Return the file for the service *prometheus* of the plan."""
    document: dict[str, Any] = {
        "global": {
            "scrape_interval": f"{plan.settings.monitoring.scrape_s}s",
            "evaluation_interval": f"{plan.settings.monitoring.scrape_s}s",
            "external_labels": {"node": plan.settings.node.name},
        },
        "storage": {"tsdb": {"retention": dict(prometheus.options.retention(prometheus.volumes[0].size))}},
        "rule_files": list(RULE_FILES),
    }
    if alertmanagers := targets.of_kind(plan.services, "alertmanager"):
        addresses = [service.address(plan.settings.namespace) for service in alertmanagers]
        document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": addresses}]}]}
    document["scrape_configs"] = [*_jobs(plan, prometheus), *_probe_jobs(plan)]
    return yaml_text(document)


def _jobs(plan: Plan, prometheus: ServicePlan) -> Iterator[dict[str, Any]]:
    for service in targets.scraped(plan.services):
        yield {
            "job_name": service.service_name,
            "metrics_path": service.backend.metrics,
            **_discovery(service, plan, prometheus),
        }


def _discovery(service: ServicePlan, plan: Plan, prometheus: ServicePlan) -> dict[str, Any]:
    """Return the targets of a service: its pods by DNS, one per model, or its address."""
    namespace, port = plan.settings.namespace, service.backend.container_port
    if service.pods_service:
        name = f"{service.pods_service}.{namespace}.svc.cluster.local"
        return {"dns_sd_configs": [{"names": [name], "type": "A", "port": port}]}
    address = service.address(namespace)
    if service.backend.metrics_per_model:
        per_model = [
            {"targets": [address], "labels": {"__param_model": model, "model": model}}
            for model in targets.models(plan, service)
        ]
        return {"static_configs": per_model}
    return {"static_configs": [{"targets": [f"localhost:{port}" if service is prometheus else address]}]}


def _probe_jobs(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield one job for each module of the blackbox exporter, which probes the targets."""
    probes = targets.probes(plan)
    for module in dict.fromkeys(probe.module for probe in probes):
        (exporter, *_) = targets.of_kind(plan.services, "blackbox")
        yield {
            "job_name": f"probe-{module}",
            "metrics_path": PROBE,
            "params": {"module": [module]},
            "static_configs": [_probe_target(probe) for probe in probes if probe.module == module],
            "relabel_configs": _relabelling(exporter.address(plan.settings.namespace)),
        }


def _probe_target(probe: targets.BlackboxProbe) -> dict[str, Any]:
    return {"targets": [probe.address], "labels": {"service": probe.service}}


def _relabelling(exporter: str) -> list[dict[str, Any]]:
    return [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": exporter},
    ]
