"""Monitoring on a real cluster: targets, rules, metrics, alerts and panels."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException

from infra.monitoring import alertmanager, alerts, dashboards, targets
from infra.monitoring.metric_names import EXPOSED
from infra.settings.model import ROOT
from tests.cluster.conftest import eventually
from tests.cluster.monitored import MODELS, MonitoredStack, monitored_plan
from tests.cluster.probe_pods import ProbePods
from tools.cluster import Cluster
from tools.cluster.images import archive, of_one
from tools.images.build import Images

NAMESPACE, PAGER, PAGER_PORT = "monitored", "pager", 8088
WEBHOOK = f"http://{PAGER}.{PAGER}.svc.cluster.local:{PAGER_PORT}/alerts"
BUILT = {
    "gateway": "gateway_image",
    "llama-router": "llama_image",
    **dict.fromkeys(("chatterbox", "piper"), "engines_image"),
    MODELS: "models_image",
}
PROGRAMS = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "blackbox": "blackbox_exporter",
    "kube-state-metrics": "kube-state-metrics",
    "node-exporter": "node_exporter",
}
VOICE = "chatterbox-tts"
ROUTER = "llama-router"
REPLICAS = (1, 2)
FEWEST_QUERIES = 25
SPEECH = {"text": "zero six two one"}
CHAT: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> dict[str, str]:
    """Return the image reference of each service on the node."""
    folders = {folder: cluster.import_image(Images().build(ROOT / folder).archive) for folder in set(BUILT.values())}
    programs = {name: cluster.import_image(archive(of_one(program))) for name, program in PROGRAMS.items()}
    return {name: folders[folder][0] for name, folder in BUILT.items()} | {
        name: reference for name, (reference,) in programs.items()
    }


@pytest.fixture(scope="module")
def pager(api: Any, cluster: Cluster) -> Iterator[ProbePods]:
    """Run the receiver of alerts, which prints them."""
    (image,) = cluster.import_image(archive(of_one("probe")))
    probes = ProbePods(api, image)
    probes.core.create_namespace({"metadata": {"name": PAGER}})
    accounts = probes.core.list_namespaced_service_account
    eventually(lambda: accounts(PAGER).items, "no service account")
    probes.run(PAGER, PAGER, [PAGER_PORT], {"app": PAGER}, PAGER_PORT)
    service = {"selector": {"app": PAGER}, "ports": [{"port": PAGER_PORT}]}
    probes.core.create_namespaced_service(PAGER, {"metadata": {"name": PAGER}, "spec": service})
    probes.wait()
    yield probes
    probes.core.delete_namespace(PAGER)


@pytest.fixture(scope="module")
def stack(api: Any, images: dict[str, str], pager: ProbePods) -> Iterator[MonitoredStack]:
    """Deploy the stack with alerts that fire at once, and wait for a first response.

    The router has metrics only of a loaded model, so each test needs that response."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alerts, "ALERTS", tuple(replace(alert, minutes=0) for alert in alerts.ALERTS))
        patch.setattr(alertmanager, "GROUP_WAIT_S", 1)
        patch.setattr(alertmanager, "GROUP_INTERVAL_S", 1)
        stack = MonitoredStack(monitored_plan(NAMESPACE, WEBHOOK, images), api, images[MODELS])
        stack.deploy()
        eventually(lambda: has_response(stack), "the gateway does not respond")
    yield stack
    pager.core.delete_namespace(NAMESPACE)


def received(pager: ProbePods) -> list[dict[str, Any]]:
    """Return the received alerts, with repetitions."""
    log = pager.core.read_namespaced_pod_log(PAGER, PAGER)
    return [alert for line in log.splitlines() if line for alert in json.loads(line)["alerts"]]


@pytest.fixture(scope="module")
def files(stack: MonitoredStack) -> dict[str, Any]:
    """Return the files of Prometheus by name."""
    names = ("prometheus.yml", "alerts.yml", "budget.yml")
    return {name: yaml.safe_load(stack.file("prometheus-config", name)) for name in names}


def up(stack: MonitoredStack) -> list[tuple[str, str]]:
    """Return job and model of each target that is up."""
    active = stack.prometheus("targets", state="active")["activeTargets"]
    return sorted(
        (target["scrapePool"], target["labels"].get("model", "")) for target in active if target["health"] == "up"
    )


def rules(stack: MonitoredStack) -> list[tuple[str, str]]:
    groups = stack.prometheus("rules")["groups"]
    return sorted((rule["name"], rule["health"]) for group in groups for rule in group["rules"])


def exposed(stack: MonitoredStack) -> set[str]:
    """Return all metrics of the targets, also those without samples yet."""
    names = set(stack.prometheus("label/__name__/values"))
    for family, metadata in stack.prometheus("metadata").items():
        parts = ("_bucket", "_sum", "_count") if metadata[0]["type"] == "histogram" else ("", "_total")
        names |= {family + part for part in parts}
    return names


def firing(pager: ProbePods, status: str) -> int:
    """Return the number of alerts of this status for the voice."""
    labels = {"alertname": "ServiceDown", "service": VOICE, "severity": "critical", "node": "local"}
    return sum(labels.items() <= alert["labels"].items() and alert["status"] == status for alert in received(pager))


def has_response(stack: MonitoredStack) -> bool:
    """Return whether the gateway responds; a Service leads to a pod later than that is ready."""
    try:
        stack.post("/v1/chat/completions", CHAT)
    except ApiException as error:
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return False
        raise
    return True


def has_fallback(stack: MonitoredStack) -> bool:
    """Request speech; return whether a fallback was counted."""
    stack.post("/tts/synthesize", SPEECH)
    return bool(stack.query("synapse_fallbacks_total > 0"))


def test_every_target_is_up(stack: MonitoredStack, files: dict[str, Any]) -> None:
    jobs = {
        job["job_name"]: len(job.get("static_configs", REPLICAS)) for job in files["prometheus.yml"]["scrape_configs"]
    }
    expected = [(name, "") for name, count in jobs.items() if name != ROUTER for _ in range(count)]
    eventually(lambda: up(stack) == sorted([*expected, (ROUTER, "chat")]), f"not all are up: {expected}")
    probed = {service.service_name for service in targets.probed(stack.plan.services)}
    eventually(lambda: {each["metric"]["service"] for each in stack.query("probe_success == 1")} == probed, "probes")


def test_every_rule_is_loaded_and_can_be_evaluated(stack: MonitoredStack, files: dict[str, Any]) -> None:
    groups = [group for name in ("alerts.yml", "budget.yml") for group in files[name]["groups"]]
    expected = sorted((rule.get("alert") or rule["record"], "ok") for group in groups for rule in group["rules"])
    eventually(lambda: rules(stack) == expected, "not all rules are evaluated")


def test_every_used_metric_exists(stack: MonitoredStack) -> None:
    stack.make_restart("litellm-restart", datetime.now(UTC))
    eventually(lambda: stack.query("kube_cronjob_status_last_successful_time"), "the CronJob is not seen")
    used = set().union(*(EXPOSED[kind] for kind in targets.kinds(stack.plan.services) & EXPOSED.keys()))
    eventually(lambda: used <= exposed(stack), "a metric is missing")


def test_disks_and_quota_are_those_of_the_stack(stack: MonitoredStack) -> None:
    claims = {disk.name for service in stack.plan.services for disk in service.volumes}
    mounts = {f"/volumes/{name}" for name in claims}
    eventually(lambda: labels(stack, "node_filesystem_size_bytes", "mountpoint") == mounts, "not all disks are seen")
    quota = 'kube_resourcequota{type="used",resource="limits.memory"}'
    eventually(lambda: labels(stack, quota, "namespace") == {NAMESPACE}, "the quota is not seen")


def labels(stack: MonitoredStack, expression: str, label: str) -> set[str]:
    return {each["metric"][label] for each in stack.query(expression)}


def test_an_alert_and_its_end_are_sent(stack: MonitoredStack, pager: ProbePods) -> None:
    eventually(lambda: not stack.query(f'ALERTS{{service="{VOICE}"}}'), "it fires already")
    before = [firing(pager, status) for status in ("firing", "resolved")]
    stack.scale(VOICE, 0)
    eventually(lambda: firing(pager, "firing") > before[0], "no alert was sent")
    stack.post("/tts/synthesize", SPEECH)  # by the other voice
    stack.scale(VOICE, 1)
    eventually(lambda: firing(pager, "resolved") > before[1], "the end of the alert was not sent")


def test_every_panel_has_data(stack: MonitoredStack) -> None:
    """Every counted event happens first: a response, a stream, speech, and a fallback of speech."""
    stack.post("/v1/chat/completions", CHAT | {"stream": True})
    stack.scale(VOICE, 0)
    try:
        eventually(lambda: has_fallback(stack), "no other voice is used")
    finally:
        stack.scale(VOICE, 1)
    documents = [json.loads(text) for text in dashboards.files(stack.plan).values()]
    queries = [target["expr"] for each in documents for panel in each["panels"] for target in panel["targets"]]
    assert len(queries) >= FEWEST_QUERIES
    eventually(lambda: not [query for query in queries if not stack.query(query)], "a panel is empty")
