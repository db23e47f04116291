"""prometheus.yml: one job for each service with metrics, probes for the others, and separate pods."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from infra.monitoring import blackbox, scrape, targets
from infra.plan.stack import Plan, plan
from infra.quantities import GI
from infra.settings.loader import load
from tests.conftest import planned
from tests.infra.monitoring.all_kinds import one_of_each


def document(planned: Plan) -> dict[str, Any]:
    (prometheus,) = targets.of_kind(planned.services, "prometheus")
    document: dict[str, Any] = yaml.safe_load(scrape.config(planned, prometheus))
    return document


def jobs(planned: Plan) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in document(planned)["scrape_configs"]}


def probed(job: dict[str, Any]) -> dict[str, str]:
    return {entry["labels"]["service"]: entry["targets"][0] for entry in job["static_configs"]}


def test_every_service_is_scraped_or_probed() -> None:
    everything = one_of_each()
    jobs_of = jobs(everything)
    watched = {
        name for job in ("probe-http", "probe-tcp", "probe-ingress") for name in probed(jobs_of.pop(job))
    } | jobs_of.keys()
    assert watched == {"ingress", *(service.service_name for service in everything.services)}


def test_a_service_is_scraped_by_its_name_in_the_clusters_dns() -> None:
    job = jobs(planned())["vllm-inference"]
    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"] == [{"targets": ["vllm-inference.llm-infra.svc.cluster.local:8001"]}]


def test_several_pods_are_scraped_separately() -> None:
    job = jobs(planned())["synapse-gateway"]
    assert "static_configs" not in job
    assert job["dns_sd_configs"] == [
        {"names": ["synapse-gateway-pods.llm-infra.svc.cluster.local"], "type": "A", "port": 8000}
    ]
    alone = jobs(planned("services.gateway.replicas", 1))["synapse-gateway"]
    assert "dns_sd_configs" not in alone


def test_a_router_is_scraped_for_each_model_of_its_routes() -> None:
    entries = jobs(plan(load("forge-llamacpp")))["llama-router"]["static_configs"]
    assert [entry["labels"]["__param_model"] for entry in entries] == [
        "Qwen3-8B-Q4_K_M",
        "Qwen2.5-Coder-7B-Instruct-Q4_K_M",
    ]
    assert all(entry["labels"]["model"] == entry["labels"]["__param_model"] for entry in entries)


def test_a_service_without_a_health_page_is_probed_by_its_port() -> None:
    jobs_of = jobs(plan(load("forge-llamacpp")))
    bus = "synapse-terminal-feed-redis"
    assert probed(jobs_of["probe-http"])["whisper-stt"] == "http://whisper-stt.llm-infra.svc.cluster.local:8000/health"
    assert probed(jobs_of["probe-tcp"]) == {bus: f"{bus}.llm-infra.svc.cluster.local:6379"}
    assert jobs_of["probe-tcp"]["params"] == {"module": ["tcp"]}
    assert jobs_of["probe-tcp"]["relabel_configs"][-1]["replacement"].startswith("blackbox-exporter.llm-infra.")


def test_every_module_of_a_probe_exists() -> None:
    everything = one_of_each()
    modules = {probe.module for probe in targets.probes(everything)}
    assert modules == yaml.safe_load(blackbox.config(everything))["modules"].keys()


def test_the_ingress_probe_requests_the_public_name() -> None:
    (entry,) = jobs(planned())["probe-ingress"]["static_configs"]
    assert entry["targets"] == ["https://traefik.kube-system.svc.cluster.local:443/readyz"]
    module = yaml.safe_load(blackbox.config(planned()))["modules"]["ingress"]["http"]
    assert module["headers"] == {"Host": "llm.arunlabs.com"}
    assert module["tls_config"] == {"server_name": "llm.arunlabs.com", "insecure_skip_verify": True}


@pytest.mark.parametrize(
    ("section", "reached"),
    [({"className": "nginx"}, "llm.example.org:443"), ({"address": "edge.net.svc:8443"}, "edge.net.svc:8443")],
)
def test_an_ingress_may_have_another_address(section: dict[str, str], reached: str) -> None:
    whole = {"host": "llm.example.org", "tlsSecret": "llm-tls", **section}
    (entry,) = jobs(planned("ingress", whole))["probe-ingress"]["static_configs"]
    assert entry["targets"] == [f"https://{reached}/readyz"]


def test_without_a_public_name_there_is_no_ingress_probe() -> None:
    assert "probe-ingress" not in jobs(planned("ingress", None))
    assert "ingress" not in yaml.safe_load(blackbox.config(planned("ingress", None)))["modules"]


def test_without_a_blackbox_exporter_nothing_is_probed() -> None:
    everything = planned()
    rest = tuple(service for service in everything.services if service.backend.kind != "blackbox")
    assert not {name for name in jobs(replace(everything, services=rest)) if name.startswith("probe-")}


def test_alerts_go_to_the_stacks_alertmanager() -> None:
    (alertmanagers,) = document(planned())["alerting"]["alertmanagers"]
    assert alertmanagers["static_configs"] == [{"targets": ["alertmanager.llm-infra.svc.cluster.local:9093"]}]


@pytest.mark.parametrize(("disk", "size"), [("20Gi", 16 * GI), ("5Gi", 4 * GI)])
def test_the_volume_cannot_fill(disk: str, size: int) -> None:
    retention = document(planned("services.prometheus", {"disk": disk, "retentionDays": 30}))["storage"]["tsdb"]
    assert retention == {"retention": {"time": "30d", "size": f"{size // 2**20}MB"}}


def test_the_scrape_interval_is_that_of_the_stack_file() -> None:
    assert document(planned("monitoring.scrapeS", 60))["global"]["scrape_interval"] == "60s"
