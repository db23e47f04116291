"""Alerts are about what is deployed, and each has a page that says what to do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml

from infra.catalog.kinds import CATALOG
from infra.monitoring import alertmanager, alerts, budget_rules
from infra.monitoring.alert import PROBED, RESTARTED, SCRAPED, Alert
from infra.monitoring.alerts import ALERTS
from infra.plan.stack import Plan, plan
from infra.quantities import GI
from infra.settings.loader import load
from infra.settings.model import ROOT
from infra.settings.schema import MonitoringSection
from tests.conftest import planned
from tests.infra.monitoring.everything import one_of_each

PAGES = ROOT / "docs/runbooks"
PARTS = ("## What it means", "## Where to look", "## What to do")


def rules(planned: Plan) -> list[dict[str, Any]]:
    return [rule for group in alerts.groups(planned) for rule in group["rules"]]


def names(planned: Plan) -> set[str]:
    return {rule["alert"] for rule in rules(planned)}


def services(found: Sequence[dict[str, Any]], alert: str) -> set[str]:
    return {rule["labels"]["service"] for rule in found if rule["alert"] == alert}


def test_no_alert_is_about_what_is_not_there() -> None:
    forge, llamacpp = names(planned()), names(plan(load("forge-llamacpp")))
    assert {"OllamaDown", "VLLMQueueDepth"} == forge - llamacpp
    assert {"LlamaQueueDepth"} == llamacpp - forge
    assert not {"LiteLLMHighMemory", "LiteLLMFallback"} & (forge | llamacpp)


def test_no_alert_reads_what_nothing_exposes() -> None:
    forge = planned()
    rest = tuple(service for service in forge.services if service.backend.kind != "blackbox")
    assert not names(replace(forge, services=rest)) & {"OllamaDown", "ServiceDown", "IngressDown"}


@pytest.mark.parametrize("missing", ["CertificateExpiring", "IngressDown"])
def test_a_way_in_that_is_not_there_is_not_watched(missing: str) -> None:
    assert missing in names(planned())
    assert missing not in names(planned("ingress", None))


def test_a_restart_is_watched_where_something_is_restarted() -> None:
    assert "RestartFailing" in names(one_of_each())
    assert "RestartFailing" not in names(planned())


def test_every_alert_is_rendered_where_every_kind_is_deployed() -> None:
    assert names(one_of_each()) == {alert.name for alert in ALERTS}


def test_the_four_alerts_of_the_build_plan_are_kept() -> None:
    found = {rule["alert"]: rule for rule in rules(one_of_each())}
    expected = {
        "OllamaDown": ("2m", "critical"),
        "LiteLLMHighMemory": ("10m", "warning"),
        "VLLMQueueDepth": ("5m", "warning"),
        "GPUTemperatureHigh": ("5m", "critical"),
    }
    assert {name: (found[name]["for"], found[name]["labels"]["severity"]) for name in expected} == expected
    assert found["OllamaDown"]["expr"].endswith('absent(probe_success{service="ollama"})')


def test_a_service_is_watched_by_one_alert_for_being_down() -> None:
    found = rules(plan(load("forge-llamacpp")))
    down, silent = services(found, "ServiceDown"), services(found, "TargetDown")
    assert not down & silent
    assert down | silent == {service.service_name for service in plan(load("forge-llamacpp")).services}
    assert "llama-router" in down  # its scrape fails whenever a model is not loaded
    assert "ollama" not in services(rules(planned()), "ServiceDown")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_all_that_a_person_needs(alert: Alert) -> None:
    assert alert.about in {"", PROBED, RESTARTED, SCRAPED, *CATALOG}
    assert alert.minutes >= 0
    for rule in (rule for rule in rules(one_of_each()) if rule["alert"] == alert.name):
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert all(rule["annotations"].values())
        assert "<service>" not in str(rule)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_its_page(alert: Alert) -> None:
    page = (PAGES / f"{alert.name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {alert.name}\n")
    assert all(part in page for part in PARTS)


def test_every_page_has_its_alert() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {alert.name for alert in ALERTS}


def test_links_begin_where_the_pages_are_served() -> None:
    (first, *_) = rules(planned("monitoring.runbooks", "https://wiki.example/runbooks/"))
    assert first["annotations"]["runbook_url"] == f"https://wiki.example/runbooks/{first['alert']}.md"


def test_the_ledger_is_recorded_whole() -> None:
    forge = planned()
    (group,) = budget_rules.groups(forge)
    recorded = {(rule["record"], rule.get("labels", {}).get("workload")): rule["expr"] for rule in group["rules"]}
    assert recorded["synapse_budget_bytes", None] == f"vector({forge.ledger.capacity.memory_budget})"
    assert recorded["synapse_budget_cores", None] == "vector(51.2)"
    assert recorded["synapse_spare_bytes", None] == f"vector({4 * GI})"  # the gateway's one more, while it rolls
    assert recorded["synapse_spare_cores", None] == "vector(3)"
    for line in forge.ledger.lines:
        assert recorded["synapse_claim_bytes", line.name] == f"vector({line.claim.memory_limit * line.replicas})"
    assert recorded["synapse_claim_cores", "synapse-gateway"] == "vector(6)"


def test_without_a_webhook_alerts_are_seen_and_not_sent() -> None:
    assert yaml.safe_load(alertmanager.config(MonitoringSection()))["receivers"] == [{"name": "people"}]


def test_a_webhook_is_told_when_it_is_over_as_well() -> None:
    section = MonitoringSection(webhook="http://pager.tools.svc:8080/alerts")
    (receiver,) = yaml.safe_load(alertmanager.config(section))["receivers"]
    assert receiver["webhook_configs"] == [{"url": "http://pager.tools.svc:8080/alerts", "send_resolved": True}]
