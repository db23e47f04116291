"""Monitoring programs, each as its pod runs it, at the pinned version."""

from pathlib import Path

import pytest

from infra.monitoring.metric_names import INGRESS
from tests.upstream.images import image
from tests.upstream.running import started
from tests.upstream.stack import of_kind

pytestmark = pytest.mark.usefixtures("privileged")
ENDED = (0, 2)
"""Exit codes after SIGTERM: 2 is that of a Go program without a handler."""


def test_prometheus_answers_a_query_and_keeps_its_series(tmp_path: Path) -> None:
    with started(of_kind("prometheus"), image("prometheus"), tmp_path) as running:
        running.wait_until_ready()
        answer = running.get("/api/v1/query", params={"query": "vector(7)"}).json()
        assert answer["data"]["result"][0]["value"][1] == "7"
        assert len(running.get("/api/v1/rules").json()["data"]["groups"]) > 1
        assert (running.volume("/data") / "wal").is_dir()
        assert running.stop() == 0


def test_alertmanager_takes_an_alert_and_keeps_a_silence(tmp_path: Path) -> None:
    alert = {"labels": {"alertname": "Trial"}}
    with started(of_kind("alertmanager"), image("alertmanager"), tmp_path) as running:
        running.wait_until_ready()
        assert running.post("/api/v2/alerts", json=[alert]).status_code == 200
        assert [each["labels"] for each in running.get("/api/v2/alerts").json()] == [alert["labels"]]
        assert running.stop() == 0
        assert (running.volume("/data") / "silences").exists()


def test_the_blackbox_exporter_probes(tmp_path: Path) -> None:
    with started(of_kind("blackbox"), image("blackbox"), tmp_path) as running:
        running.wait_until_ready()
        probe = running.get("/probe", params={"module": INGRESS, "target": "https://192.0.2.1/"}).text
        assert "probe_success 0" in probe.splitlines()
        assert running.stop() in ENDED


def test_the_node_exporter_sees_the_volumes(tmp_path: Path) -> None:
    container = of_kind("node-exporter")
    with started(container, image("node-exporter"), tmp_path) as running:
        running.wait_until_ready()
        lines = running.get("/metrics").text.splitlines()
        sizes = [line for line in lines if line.startswith("node_filesystem_size_bytes{")]
        assert {mount.path for mount in container.mounts} == {
            line.split('mountpoint="')[1].split('"')[0] for line in sizes
        }
        assert running.stop() in ENDED
