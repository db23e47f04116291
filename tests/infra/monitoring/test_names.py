"""Metrics of alerts and panels: each is exposed by its source."""

import re
from collections.abc import Iterator

import pytest

from infra.catalog.kinds import CATALOG
from infra.monitoring.alert import Alert
from infra.monitoring.alerts import ALERTS
from infra.monitoring.dashboards import DASHBOARDS
from infra.monitoring.gpu_counters import COUNTERS, csv
from infra.monitoring.metric_names import EXPOSED, GPUS, INGRESS, STORE
from infra.monitoring.panels import Panel
from infra.monitoring.recording_rules import groups
from tests.conftest import planned

PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels]
FUNCTIONS = {"absent", "histogram_quantile", "predict_linear", "rate", "scalar", "sort_desc", "time", "vector"}
WORDS = FUNCTIONS | {"and", "count", "max", "min", "or", "sum", "unless"}


def metrics(expression: str) -> Iterator[str]:
    """Yield the metrics of a PromQL expression: names without strings, selectors, groupings and keywords."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|ignoring|group_left) \([^)]*\)", "", expression)
    yield from (name for name in re.findall(r"\b[a-zA-Z_][a-zA-Z0-9_:]*", bare) if name not in WORDS)


def test_metrics_are_found_in_an_expression() -> None:
    names = metrics('sum by (a, b) (rate(x_total{l="y"}[5m])) / 1.5e9 > 3.5e9 or absent(vllm:z{m=~"w|v"})')
    assert list(names) == ["x_total", "vllm:z"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_uses_metrics_of_its_source(alert: Alert) -> None:
    names = set(metrics(alert.expression))
    assert names
    assert names <= EXPOSED[alert.source] | EXPOSED[STORE]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_uses_metrics_of_its_source(panel: Panel) -> None:
    for query, _ in panel.queries:
        names = set(metrics(query))
        assert names
        assert names <= EXPOSED[panel.source] | EXPOSED[STORE]


def test_every_scraped_kind_has_its_metrics() -> None:
    assert EXPOSED.keys() - {STORE, GPUS, INGRESS} <= {kind for kind, backend in CATALOG.items() if backend.metrics}


def test_the_series_of_the_store_are_those_of_the_recording_rules() -> None:
    recorded = {rule["record"] for group in groups(planned()) for rule in group["rules"]}
    assert recorded == (EXPOSED[STORE] | EXPOSED[GPUS]) - {"up", "ALERTS"}


def test_the_exporter_has_only_the_listed_counters() -> None:
    assert [line.split(", ")[0] for line in csv().splitlines()] == [name for name, _, _ in COUNTERS]
    assert all(len(line.split(", ")) == 3 for line in csv().splitlines())
    assert "PROF" not in csv()
