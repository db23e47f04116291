"""Prometheus' own checkers, asked about what is rendered: the files load, and each alert fires when it should."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.monitoring import alertmanager, alerts, budget_rules, dashboards, scrape, targets
from infra.monitoring.alerts import ALERTS
from infra.plan import Plan, plan
from infra.sections import MonitoringSection
from infra.settings import load
from tests.infra.monitoring.everything import one_of_each
from tests.infra.test_stacks import STACKS
from tools.toolchain import tool

pytestmark = pytest.mark.engine
WATCHED = [stack for stack in STACKS if targets.of_kind(plan(load(stack)).services, "prometheus")]
WEBHOOK = "http://pager.tools.svc:8080/alerts"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Series that make an alert fire, and those that must not; values are promtool's, one a minute."""

    fires: dict[str, str]
    quiet: dict[str, str]
    where: str = ""


def one(series: str, fires: str, quiet: str, where: str = "") -> Case:
    return Case(fires={series: fires}, quiet={series: quiet}, where=where)


CASES: dict[str, Case] = {
    "OllamaDown": one('probe_success{service="ollama"}', "0x30", "1x30"),
    "ServiceDown": one('probe_success{service="piper-tts"}', "0x30", "1x30", 'service="piper-tts"'),
    "TargetDown": one('up{job="vllm-inference"}', "0x30", "1x30", 'service="vllm-inference"'),
    "GatewayErrors": Case(
        fires={
            'synapse_http_requests_total{status="200"}': "0+90x30",
            'synapse_http_requests_total{status="502"}': "0+10x30",
        },
        quiet={
            'synapse_http_requests_total{status="200"}': "0+999x30",
            'synapse_http_requests_total{status="502"}': "0+1x30",
        },
    ),
    "GatewayBreakerOpen": Case(
        fires={
            'synapse_breaker_state{backend="vllm",pod="a"}': "2x30",
            'synapse_breaker_state{backend="vllm"}': "0x30",
        },
        quiet={'synapse_breaker_state{backend="vllm",pod="a"}': "0 2 1 0x30"},
    ),
    "GatewayFallback": one('synapse_fallbacks_total{from="vllm",to="ollama"}', "0+12x30", "0+1x30"),
    "GatewayNoCapacity": one('synapse_http_requests_total{route="/v1/embeddings",status="429"}', "0+6x30", "0+1x30"),
    "LiteLLMHighMemory": one('process_resident_memory_bytes{job="litellm-proxy"}', "3600000000x30", "3400000000x30"),
    "LiteLLMFallback": one(
        'litellm_deployment_successful_fallbacks_total{requested_model="a",fallback_model="b"}', "0+12x30", "0+1x30"
    ),
    "VLLMQueueDepth": one("vllm:num_requests_waiting", "11x30", "10x30"),
    "SGLangQueueDepth": one("sglang:num_queue_reqs", "11x30", "10x30"),
    "LlamaQueueDepth": one("llamacpp:requests_deferred", "11x30", "10x30"),
    "GPUTemperatureHigh": one('DCGM_FI_DEV_GPU_TEMP{gpu="0"}', "86x30", "85x30"),
    "GPUMemoryHigh": Case(
        fires={"DCGM_FI_DEV_FB_USED": "29700x30", "DCGM_FI_DEV_FB_FREE": "2900x30"},
        quiet={"DCGM_FI_DEV_FB_USED": "27600x30", "DCGM_FI_DEV_FB_FREE": "5000x30"},
    ),
    "GPUXid": one('DCGM_FI_DEV_XID_ERRORS{gpu="0"}', "0x19 79x10", "0x30"),
    "AlertsUndelivered": one("prometheus_notifications_errors_total", "0+1x30", "7x30"),
    "WebhookFailing": one("alertmanager_notifications_failed_total", "0+1x30", "7x30"),
    "MonitoringReloadFailed": one("prometheus_config_last_reload_successful", "0x30", "1x30"),
}


def check(name: str, *arguments: str | Path) -> None:
    done = subprocess.run([tool(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def files(planned: Plan, folder: Path) -> Path:
    for name, groups in zip(scrape.RULE_FILES, (alerts.groups(planned), budget_rules.groups(planned)), strict=True):
        write(folder / name, {"groups": groups})
    (prometheus,) = targets.of_kind(planned.services, "prometheus")
    return write(folder / "prometheus.yml", scrape.config(planned, prometheus))


@pytest.mark.parametrize("stack", [*WATCHED, "everything"])
def test_prometheus_reads_its_files(stack: str, tmp_path: Path) -> None:
    config = files(one_of_each() if stack == "everything" else plan(load(stack)), tmp_path)
    check("promtool", "check", "config", "--lint=all", "--lint-fatal", config)
    check("promtool", "check", "rules", "--lint=all", "--lint-fatal", *(tmp_path / name for name in scrape.RULE_FILES))


@pytest.mark.parametrize("section", [MonitoringSection(), MonitoringSection(webhook=WEBHOOK)])
def test_alertmanager_reads_its_file(section: MonitoringSection, tmp_path: Path) -> None:
    check("amtool", "check-config", write(tmp_path / "alertmanager.yml", alertmanager.config(section)))


def test_every_query_of_a_panel_can_be_read(tmp_path: Path) -> None:
    documents = [json.loads(text) for text in dashboards.files(one_of_each()).values()]
    queries = [target["expr"] for each in documents for panel in each["panels"] for target in panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    check("promtool", "check", "rules", write(tmp_path / "queries.yml", {"groups": [{"name": "all", "rules": rules}]}))


def test_every_alert_has_its_case() -> None:
    assert CASES.keys() == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should_and_not_before(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    files(one_of_each(), tmp_path)
    tests = [_test(name, case.where, case.fires, is_firing=True), _test(name, case.where, case.quiet, is_firing=False)]
    check("promtool", "test", "rules", write(tmp_path / "test.yml", _tests(tests)))


@pytest.mark.parametrize(("name", "where"), [("OllamaDown", ""), ("TargetDown", 'service="vllm-inference"')])
def test_a_series_that_is_gone_is_an_alert_too(name: str, where: str, tmp_path: Path) -> None:
    files(one_of_each(), tmp_path)
    check("promtool", "test", "rules", write(tmp_path / "test.yml", _tests([_test(name, where, {}, is_firing=True)])))


def _tests(tests: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}


def _test(name: str, where: str, series: dict[str, str], *, is_firing: bool) -> dict[str, Any]:
    """After 20 minutes it fires, once or not at all."""
    labels = ",".join(filter(None, [f'alertname="{name}"', 'alertstate="firing"', where]))
    return {
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"count(ALERTS{{{labels}}}) or vector(0)",
                "eval_time": "20m",
                "exp_samples": [{"labels": "{}", "value": int(is_firing)}],
            }
        ],
    }
