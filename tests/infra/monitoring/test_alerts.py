"""Alerts of a plan concern deployed services, and each has a runbook."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml

from infra.catalog.kinds import CATALOG
from infra.monitoring import alertmanager, alerts, recording_rules
from infra.monitoring.alert import PROBED, RESTARTED, SCRAPED, Alert
from infra.monitoring.alerts import ALERTS
from infra.plan.stack import Plan, plan
from infra.quantities import GI
from infra.settings.loader import load
from infra.settings.model import ROOT
from infra.settings.schema import MonitoringSection
from tests.conftest import planned
from tests.infra.monitoring.all_kinds import one_of_each

PAGES = ROOT / "docs/runbooks"
PARTS = ("## What it means", "## Where to look", "## What to do")


def rules(planned: Plan) -> list[dict[str, Any]]:
    return [rule for group in alerts.groups(planned) for rule in group["rules"]]


def names(planned: Plan) -> set[str]:
    return {rule["alert"] for rule in rules(planned)}


def services(rules: Sequence[dict[str, Any]], alert: str) -> set[str]:
    return {rule["labels"]["service"] for rule in rules if rule["alert"] == alert}


def test_no_alert_concerns_a_service_that_is_not_deployed() -> None:
    forge, llamacpp = names(planned()), names(plan(load("forge-llamacpp")))
    assert {"OllamaDown", "VLLMQueueDepth"} == forge - llamacpp
    assert {"LlamaQueueDepth"} == llamacpp - forge
    assert not {"LiteLLMHighMemory", "LiteLLMFallback"} & (forge | llamacpp)


def test_no_alert_reads_a_metric_without_a_source() -> None:
    forge = planned()
    rest = tuple(service for service in forge.services if service.backend.kind != "blackbox")
    assert not names(replace(forge, services=rest)) & {"OllamaDown", "ServiceDown", "IngressDown"}


@pytest.mark.parametrize("missing", ["CertificateExpiring", "IngressDown"])
def test_a_missing_ingress_has_no_alerts(missing: str) -> None:
    assert missing in names(planned())
    assert missing not in names(planned("ingress", None))


def test_a_scheduled_restart_has_an_alert() -> None:
    assert "RestartFailing" in names(one_of_each())
    assert "RestartFailing" not in names(planned())


def test_every_alert_is_rendered_where_every_kind_is_deployed() -> None:
    assert names(one_of_each()) == {alert.name for alert in ALERTS}


def test_the_four_alerts_of_the_build_plan_are_kept() -> None:
    by_name = {rule["alert"]: rule for rule in rules(one_of_each())}
    expected = {
        "OllamaDown": ("2m", "critical"),
        "LiteLLMHighMemory": ("10m", "warning"),
        "VLLMQueueDepth": ("5m", "warning"),
        "GPUTemperatureHigh": ("5m", "critical"),
    }
    assert {name: (by_name[name]["for"], by_name[name]["labels"]["severity"]) for name in expected} == expected
    assert by_name["OllamaDown"]["expr"].endswith('absent(probe_success{service="ollama"})')


def test_a_service_has_one_alert_for_being_down() -> None:
    deployed = rules(plan(load("forge-llamacpp")))
    down, silent = services(deployed, "ServiceDown"), services(deployed, "TargetDown")
    assert not down & silent
    assert down | silent == {service.service_name for service in plan(load("forge-llamacpp")).services}
    assert "llama-router" in down  # its scrape fails whenever a model is not loaded
    assert "ollama" not in services(rules(planned()), "ServiceDown")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_a_summary_a_description_and_a_runbook(alert: Alert) -> None:
    assert alert.about in {"", PROBED, RESTARTED, SCRAPED, *CATALOG}
    assert alert.minutes >= 0
    for rule in (rule for rule in rules(one_of_each()) if rule["alert"] == alert.name):
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert all(rule["annotations"].values())
        assert "<service>" not in str(rule)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_its_runbook(alert: Alert) -> None:
    page = (PAGES / f"{alert.name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {alert.name}\n")
    assert all(part in page for part in PARTS)


def test_every_runbook_has_its_alert() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {alert.name for alert in ALERTS}


def test_runbook_links_have_the_configured_base() -> None:
    (first, *_) = rules(planned("monitoring.runbooks", "https://wiki.example/runbooks/"))
    assert first["annotations"]["runbook_url"] == f"https://wiki.example/runbooks/{first['alert']}.md"


def test_the_whole_ledger_is_recorded() -> None:
    forge = planned()
    (group,) = recording_rules.groups(forge)
    recorded = {(rule["record"], rule.get("labels", {}).get("workload")): rule["expr"] for rule in group["rules"]}
    assert recorded["synapse_budget_bytes", None] == f"vector({forge.ledger.capacity.memory_budget})"
    assert recorded["synapse_budget_cores", None] == "vector(51.2)"
    assert recorded["synapse_spare_bytes", None] == f"vector({5 * GI})"  # a gateway that rolls, and four fetches
    assert recorded["synapse_spare_cores", None] == "vector(5)"
    for line in forge.ledger.lines:
        assert recorded["synapse_claim_bytes", line.name] == f"vector({line.claim.memory_limit * line.replicas})"
    assert recorded["synapse_claim_cores", "synapse-gateway"] == "vector(6)"


def test_without_a_webhook_alerts_are_not_delivered() -> None:
    assert yaml.safe_load(alertmanager.config(MonitoringSection()))["receivers"] == [{"name": "people"}]


def test_a_webhook_receives_resolved_alerts() -> None:
    section = MonitoringSection(webhook="http://pager.tools.svc:8080/alerts")
    (receiver,) = yaml.safe_load(alertmanager.config(section))["receivers"]
    assert receiver["webhook_configs"] == [{"url": "http://pager.tools.svc:8080/alerts", "send_resolved": True}]
