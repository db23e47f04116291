"""Every metric that an alert or a panel names is one that its source is known to expose."""

import re
from collections.abc import Iterator

import pytest

from infra.catalog.kinds import CATALOG
from infra.monitoring.alert import Alert
from infra.monitoring.alerts import ALERTS
from infra.monitoring.budget_rules import groups
from infra.monitoring.dashboards import DASHBOARDS
from infra.monitoring.gpu_counters import COUNTERS, csv
from infra.monitoring.metric_names import CARDS, EXPOSED, INGRESS, STORE
from infra.monitoring.panels import Panel
from tests.conftest import planned

PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels]
FUNCTIONS = {"absent", "histogram_quantile", "predict_linear", "rate", "scalar", "sort_desc", "time", "vector"}
WORDS = FUNCTIONS | {"and", "count", "max", "min", "or", "sum", "unless"}


def metrics(expression: str) -> Iterator[str]:
    """The metrics of a PromQL expression: its names, less strings, selectors, groupings and its own words."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|ignoring|group_left) \([^)]*\)", "", expression)
    yield from (name for name in re.findall(r"\b[a-zA-Z_][a-zA-Z0-9_:]*", bare) if name not in WORDS)


def test_metrics_are_found_in_an_expression() -> None:
    found = metrics('sum by (a, b) (rate(x_total{l="y"}[5m])) / 1.5e9 > 3.5e9 or absent(vllm:z{m=~"w|v"})')
    assert list(found) == ["x_total", "vllm:z"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_names_metrics_of_its_source(alert: Alert) -> None:
    found = set(metrics(alert.expression))
    assert found
    assert found <= EXPOSED[alert.source] | EXPOSED[STORE]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_names_metrics_of_its_source(panel: Panel) -> None:
    for query, _ in panel.queries:
        found = set(metrics(query))
        assert found
        assert found <= EXPOSED[panel.source] | EXPOSED[STORE]


def test_what_is_scraped_is_known() -> None:
    assert EXPOSED.keys() - {STORE, CARDS, INGRESS} <= {kind for kind, backend in CATALOG.items() if backend.metrics}


def test_the_stores_own_series_are_what_the_rules_record() -> None:
    recorded = {rule["record"] for group in groups(planned()) for rule in group["rules"]}
    assert recorded == (EXPOSED[STORE] | EXPOSED[CARDS]) - {"up", "ALERTS"}


def test_the_exporter_is_asked_for_the_counters_alone() -> None:
    assert [line.split(", ")[0] for line in csv().splitlines()] == [name for name, _, _ in COUNTERS]
    assert all(len(line.split(", ")) == 3 for line in csv().splitlines())
    assert "PROF" not in csv()
