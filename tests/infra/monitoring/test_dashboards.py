"""Dashboards show deployed services, and Grafana can read them."""

import json
from typing import Any

import pytest
import yaml

from infra.monitoring import dashboards, grafana
from infra.monitoring.dashboards import DASHBOARDS, SPEECH
from infra.monitoring.panels import WIDTH
from infra.plan.stack import plan
from infra.settings.loader import load
from tests.conftest import planned
from tests.infra.monitoring.all_kinds import one_of_each


def rendered() -> dict[str, dict[str, Any]]:
    return {name: json.loads(text) for name, text in dashboards.files(one_of_each()).items()}


def titles(stack: str, key: str) -> set[str]:
    files = json.loads(dashboards.files(plan(load(stack)))[f"{key}.json"])
    return {panel["title"].split(":")[0] for panel in files["panels"]}


def test_there_is_a_dashboard_for_each_concern() -> None:
    assert list(rendered()) == [f"{key}.json" for key in ("overview", "language", "speech", "gpu", "gateway", "budget")]


def test_a_panel_without_its_source_is_left_out() -> None:
    assert titles("forge", "language") == {"vLLM"}
    assert titles("forge-llamacpp", "language") == {"llama.cpp"}
    assert "gpu.json" in dashboards.files(planned())


def test_a_node_without_a_gpu_has_no_panel_of_one() -> None:
    files = dashboards.files(plan(load("local")))
    assert "gpu.json" not in files
    assert "GPU memory claims" not in titles("local", "budget")
    assert "GPU memory claims" in titles("forge", "budget")


def test_a_dashboard_without_panels_is_left_out() -> None:
    assert "language.json" not in dashboards.files(planned("phase", 1))


@pytest.mark.parametrize("key", [dashboard.key for dashboard in DASHBOARDS])
def test_panels_do_not_overlap(key: str) -> None:
    document = rendered()[f"{key}.json"]
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in document["panels"]):
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + 4)}
        assert not cells & taken
        assert place["x"] + place["w"] <= WIDTH
        taken |= cells
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])


def test_a_dashboard_keeps_its_address() -> None:
    assert [document["uid"] for document in rendered().values()] == [f"synapse-{each.key}" for each in DASHBOARDS]
    assert dashboards.files(planned()) == dashboards.files(planned())


def test_the_speech_panels_show_the_speech_services() -> None:
    text = dashboards.files(planned())["speech.json"]
    assert "speaches-stt|kokoro-tts|piper-tts" in text
    assert SPEECH not in text


def test_every_panel_reads_the_provisioned_datasource() -> None:
    (first, second) = yaml.safe_load(grafana.datasources(planned()))["datasources"]
    used = {target["datasource"]["uid"] for d in rendered().values() for p in d["panels"] for target in p["targets"]}
    assert used == {first["uid"]}
    assert first["url"] == "http://prometheus.llm-infra.svc.cluster.local:9090"
    assert second["url"] == "http://alertmanager.llm-infra.svc.cluster.local:9093"


def test_without_a_password_nobody_can_sign_in() -> None:
    anybody = grafana.access(has_password=False)
    assert anybody["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert anybody["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert grafana.access(has_password=True) == {"GF_AUTH_ANONYMOUS_ENABLED": "false"}
