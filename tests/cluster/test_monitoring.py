"""What watches the platform, for real: Prometheus finds everybody, its rules are loaded, and an alert arrives."""

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
from infra.settings.loader import ROOT
from tests.cluster.conftest import eventually
from tests.cluster.monitored import ENGINES, MonitoredStack, watched
from tests.cluster.probe_pods import ProbePods
from tools.cluster import Cluster
from tools.cluster.images import archive, of_one
from tools.images.build import Images

NAMESPACE, PAGER, PAGER_PORT = "watched", "pager", 8088
WEBHOOK = f"http://{PAGER}.{PAGER}.svc.cluster.local:{PAGER_PORT}/alerts"
BUILT = {"gateway": "gateway_image", **dict.fromkeys(ENGINES, "engines_image")}
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
    """The reference of each service's image, on the node."""
    folders = {folder: cluster.import_image(Images().build(ROOT / folder).archive) for folder in set(BUILT.values())}
    programs = {name: cluster.import_image(archive(of_one(program))) for name, program in PROGRAMS.items()}
    return {name: folders[folder][0] for name, folder in BUILT.items()} | {
        name: found for name, (found,) in programs.items()
    }


@pytest.fixture(scope="module")
def pager(api: Any, cluster: Cluster) -> Iterator[ProbePods]:
    """Where alerts are sent: it prints what it is told."""
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
    """The stack, whose alerts wait for nothing: minutes are for people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alerts, "ALERTS", tuple(replace(alert, minutes=0) for alert in alerts.ALERTS))
        patch.setattr(alertmanager, "GROUP_WAIT_S", 1)
        patch.setattr(alertmanager, "GROUP_INTERVAL_S", 1)
        stack = MonitoredStack(watched(NAMESPACE, WEBHOOK, images), api)
        stack.deploy()
    yield stack
    pager.core.delete_namespace(NAMESPACE)


def told(pager: ProbePods) -> list[dict[str, Any]]:
    """The alerts that arrived, each as often as it did."""
    log = pager.core.read_namespaced_pod_log(PAGER, PAGER)
    return [alert for line in log.splitlines() if line for alert in json.loads(line)["alerts"]]


@pytest.fixture(scope="module")
def files(stack: MonitoredStack) -> dict[str, Any]:
    """What Prometheus reads, by name."""
    names = ("prometheus.yml", "alerts.yml", "budget.yml")
    return {name: yaml.safe_load(stack.file("prometheus-config", name)) for name in names}


def up(stack: MonitoredStack) -> list[tuple[str, str]]:
    """The job of each target that answers, and the model that it was asked for."""
    found = stack.prometheus("targets", state="active")["activeTargets"]
    return sorted(
        (target["scrapePool"], target["labels"].get("model", "")) for target in found if target["health"] == "up"
    )


def rules(stack: MonitoredStack) -> list[tuple[str, str]]:
    groups = stack.prometheus("rules")["groups"]
    return sorted((rule["name"], rule["health"]) for group in groups for rule in group["rules"])


def exposed(stack: MonitoredStack) -> set[str]:
    """The metrics that targets have or, where nothing was counted yet, say that they have."""
    found = set(stack.prometheus("label/__name__/values"))
    for family, said in stack.prometheus("metadata").items():
        parts = ("_bucket", "_sum", "_count") if said[0]["type"] == "histogram" else ("", "_total")
        found |= {family + part for part in parts}
    return found


def firing(pager: ProbePods, status: str) -> int:
    """How often somebody was told that the voice is gone, or is back."""
    labels = {"alertname": "ServiceDown", "service": VOICE, "severity": "critical", "node": "local"}
    return sum(labels.items() <= alert["labels"].items() and alert["status"] == status for alert in told(pager))


def is_answered(stack: MonitoredStack) -> bool:
    """A node is told later than a server is ready that its Service leads there."""
    try:
        stack.post("/v1/chat/completions", CHAT)
    except ApiException as error:
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return False
        raise
    return True


def test_everybody_is_found_and_answers(stack: MonitoredStack, files: dict[str, Any]) -> None:
    eventually(lambda: is_answered(stack), "no answer")  # the router has metrics of the one model that is loaded
    jobs = {
        job["job_name"]: len(job.get("static_configs", REPLICAS)) for job in files["prometheus.yml"]["scrape_configs"]
    }
    expected = [(name, "") for name, count in jobs.items() if name != ROUTER for _ in range(count)]
    eventually(lambda: up(stack) == sorted([*expected, (ROUTER, "chat")]), f"not all are up: {expected}")
    probed = {service.service_name for service in targets.probed(stack.plan.services)}
    eventually(lambda: {found["metric"]["service"] for found in stack.query("probe_success == 1")} == probed, "probes")


def test_every_rule_is_loaded_and_can_be_evaluated(stack: MonitoredStack, files: dict[str, Any]) -> None:
    groups = [group for name in ("alerts.yml", "budget.yml") for group in files[name]["groups"]]
    expected = sorted((rule.get("alert") or rule["record"], "ok") for group in groups for rule in group["rules"])
    eventually(lambda: rules(stack) == expected, "not all rules are evaluated")


def test_every_metric_that_is_counted_on_is_there(stack: MonitoredStack) -> None:
    stack.make_restart("litellm-restart", datetime.now(UTC))
    eventually(lambda: stack.query("kube_cronjob_status_last_successful_time"), "the CronJob is not seen")
    wanted = set().union(*(EXPOSED[kind] for kind in targets.kinds(stack.plan.services) & EXPOSED.keys()))
    assert wanted - exposed(stack) == set()


def test_disks_and_quota_are_those_of_the_stack(stack: MonitoredStack) -> None:
    claims = {disk.name for service in stack.plan.services for disk in service.disks}
    found = stack.query("node_filesystem_size_bytes")
    assert {each["metric"]["mountpoint"] for each in found} == {f"/volumes/{name}" for name in claims}
    quota = stack.query('kube_resourcequota{type="used",resource="limits.memory"}')
    assert {each["metric"]["namespace"] for each in quota} == {NAMESPACE}


def test_an_alert_arrives_and_so_does_its_end(stack: MonitoredStack, pager: ProbePods) -> None:
    eventually(lambda: not stack.query(f'ALERTS{{service="{VOICE}"}}'), "it fires already")
    before = [firing(pager, status) for status in ("firing", "resolved")]
    stack.scale(VOICE, 0)
    eventually(lambda: firing(pager, "firing") > before[0], "nobody was told that it is gone")
    stack.post("/tts/synthesize", SPEECH)  # by the other voice
    stack.scale(VOICE, 1)
    eventually(lambda: firing(pager, "resolved") > before[1], "nobody was told that it is back")


def test_every_panel_has_something_to_draw(stack: MonitoredStack) -> None:
    """Once each of the things that are counted has happened: an answer, a stream, a voice, and one in its stead."""
    stack.post("/v1/chat/completions", CHAT | {"stream": True})
    documents = [json.loads(text) for text in dashboards.files(stack.plan).values()]
    queries = [target["expr"] for each in documents for panel in each["panels"] for target in panel["targets"]]
    assert len(queries) >= FEWEST_QUERIES
    eventually(lambda: not [query for query in queries if not stack.query(query)], "a panel is empty")
