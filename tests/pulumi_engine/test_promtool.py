"""Rendered monitoring files checked by promtool and amtool: they load, and each alert fires when it should."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.monitoring import alertmanager, alerts, dashboards, recording_rules, scrape, targets
from infra.monitoring.alerts import ALERTS
from infra.monitoring.dashboards import DASHBOARDS
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.schema import MonitoringSection
from tests.infra.monitoring.all_kinds import one_of_each
from tests.infra.monitoring.recorded import KINDS, series
from tests.shipped import STACKS
from tools.offline.toolchain import tool

pytestmark = pytest.mark.engine
WATCHED = [stack for stack in STACKS if targets.of_kind(plan(load(stack)).services, "prometheus")]
WEBHOOK = "http://pager.tools.svc:8080/alerts"


@dataclass(frozen=True, kw_only=True)
class AlertCase:
    """Series that make an alert fire, and series that must not; values in promtool's notation, one per minute."""

    fires: dict[str, str]
    quiet: dict[str, str]
    where: str = ""


def one(series: str, fires: str, quiet: str, where: str = "") -> AlertCase:
    return AlertCase(fires={series: fires}, quiet={series: quiet}, where=where)


def disk(name: str, free: str) -> dict[str, str]:
    """Return the series of a claim with 100 bytes of disk."""
    where = f'{{device="/dev/sda1",mountpoint="/volumes/{name}"}}'
    return {f"node_filesystem_avail_bytes{where}": free, f"node_filesystem_size_bytes{where}": "100x30"}


LIMITS = 'kube_resourcequota{resource="limits.memory",'
QUOTA = {f'{LIMITS}type="hard"}}': "160x30", "synapse_spare_bytes": "4x30"}
RUN = "kube_cronjob_status_last_"
FIRST = "synapse_first_chunk_seconds"
CASES: dict[str, AlertCase] = {
    "OllamaDown": one('probe_success{service="ollama"}', "0x30", "1x30"),
    "ServiceDown": one('probe_success{service="piper-tts"}', "0x30", "1x30", 'service="piper-tts"'),
    "TargetDown": one('up{job="vllm-inference"}', "0x30", "1x30", 'service="vllm-inference"'),
    "IngressDown": one('probe_success{service="ingress"}', "0x30", "1x30"),
    "CertificateExpiring": one("probe_ssl_earliest_cert_expiry", "1123200x30", "1296000x30"),  # 13 and 15 days
    "QuotaNearFull": AlertCase(
        fires={**QUOTA, f'{LIMITS}type="used"}}': "157x30"},
        quiet={**QUOTA, f'{LIMITS}type="used"}}': "156x30"},
    ),
    "RestartFailing": AlertCase(
        fires={f"{RUN}schedule_time{{}}": "86400x30", f"{RUN}successful_time{{}}": "60x30"},
        quiet={f"{RUN}schedule_time{{}}": "86400x30", f"{RUN}successful_time{{}}": "86460x30"},
    ),
    "VolumeFilling": AlertCase(fires={**disk("a", "9x30"), **disk("b", "9x30")}, quiet=disk("a", "11x30")),
    "GatewayLatencyBurn": AlertCase(
        fires={f"{FIRST}_count": "0+10x30", f'{FIRST}_bucket{{le="10.0"}}': "0+6x30"},
        quiet={f"{FIRST}_count": "0+10x30", f'{FIRST}_bucket{{le="10.0"}}': "0x12 10+10x18"},  # it is over
    ),
    "GatewayErrors": AlertCase(
        fires={
            'synapse_http_requests_total{status="200"}': "0+90x30",
            'synapse_http_requests_total{status="502"}': "0+10x30",
        },
        quiet={
            'synapse_http_requests_total{status="200"}': "0+999x30",
            'synapse_http_requests_total{status="502"}': "0+1x30",
        },
    ),
    "GatewayBreakerOpen": AlertCase(
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
    "GPUMemoryHigh": AlertCase(
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
    for name, groups in zip(scrape.RULE_FILES, (alerts.groups(planned), recording_rules.groups(planned)), strict=True):
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


def test_every_query_of_a_panel_is_valid(tmp_path: Path) -> None:
    documents = [json.loads(text) for text in dashboards.files(one_of_each()).values()]
    queries = [target["expr"] for each in documents for panel in each["panels"] for target in panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    check("promtool", "check", "rules", write(tmp_path / "queries.yml", {"groups": [{"name": "all", "rules": rules}]}))


def test_every_panel_has_data_from_the_recorded_metrics(tmp_path: Path) -> None:
    """Metrics of engines that no test can start were recorded."""
    panels = [panel for dashboard in DASHBOARDS for panel in dashboard.panels if panel.source in KINDS]
    queries = [query for panel in panels for query, _ in panel.queries]
    assert queries
    drawn = {
        "interval": "1m",
        "input_series": [{"series": each, "values": "1+1x30"} for kind in KINDS for each in series(kind)],
        "promql_expr_test": [
            {
                "expr": f"count({query}) > bool 0",
                "eval_time": "20m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
            for query in queries
        ],
    }
    check("promtool", "test", "rules", write(tmp_path / "test.yml", {"rule_files": [], "tests": [drawn]}))


def test_every_alert_has_a_case() -> None:
    assert CASES.keys() == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should_and_not_before(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    files(one_of_each(), tmp_path)
    tests = [_test(name, case.where, case.fires, is_firing=True), _test(name, case.where, case.quiet, is_firing=False)]
    check("promtool", "test", "rules", write(tmp_path / "test.yml", _tests(tests)))


@pytest.mark.parametrize(
    ("name", "where", "series"),
    [
        ("OllamaDown", "", {}),
        ("IngressDown", "", {}),
        ("TargetDown", 'service="vllm-inference"', {}),
        ("RestartFailing", "", {f"{RUN}schedule_time": "86400x30"}),  # it has never succeeded
        ("VolumeFilling", "", disk("a", "39-1x30")),  # too fast to last a day
        (
            "QuotaNearFull",
            "",
            {
                'kube_resourcequota{resource="limits.cpu",type="hard"}': "51x30",
                'kube_resourcequota{resource="limits.cpu",type="used"}': "49x30",
                "synapse_spare_cores": "3x30",
            },
        ),
    ],
)
def test_an_alert_has_other_reasons_to_fire(name: str, where: str, series: dict[str, str], tmp_path: Path) -> None:
    files(one_of_each(), tmp_path)
    tests = [_test(name, where, series, is_firing=True)]
    check("promtool", "test", "rules", write(tmp_path / "test.yml", _tests(tests)))


def _tests(tests: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}


def _test(name: str, where: str, series: dict[str, str], *, is_firing: bool) -> dict[str, Any]:
    """Return promtool's test that the alert fires, or does not, after 20 minutes."""
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
