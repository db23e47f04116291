"""What is asked of an engine that no test can start is something that it was recorded to expose."""

import re

import pytest

from infra.monitoring.alerts import ALERTS
from infra.monitoring.dashboards import DASHBOARDS
from infra.monitoring.gpu_counters import COUNTERS
from infra.monitoring.metric_names import CARDS, EXPOSED, INGRESS, STORE
from tests.cluster.monitored import ENGINES, MONITORING
from tests.infra.monitoring.recorded import FOLDER, KINDS, exposed, file, heading
from tests.infra.monitoring.test_names import metrics

PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels]
ASKED = [
    *((alert.source, alert.name, alert.expression) for alert in ALERTS),
    *((panel.source, panel.title, query) for panel in PANELS for query, _ in panel.queries),
]
"""Source, what asks, and what it asks."""
OF_A_SCRAPE = {"job", "instance"}
DEFAULT_COUNTERS = {
    "gauge": {"SM_CLOCK", "MEM_CLOCK", "MEMORY_TEMP", "GPU_TEMP", "POWER_USAGE", "FB_FREE", "FB_USED", "XID_ERRORS"}
    | {"GPU_UTIL", "MEM_COPY_UTIL", "ENC_UTIL", "DEC_UTIL", "VGPU_LICENSE_STATUS", "ROW_REMAP_FAILURE"},
    "counter": {"TOTAL_ENERGY_CONSUMPTION", "PCIE_REPLAY_COUNTER", "NVLINK_BANDWIDTH_TOTAL"}
    | {"UNCORRECTABLE_REMAPPED_ROWS", "CORRECTABLE_REMAPPED_ROWS"},
}
"""What dcgm-exporter reads of every GPU unless it is told otherwise, less what only some releases have.

Its `etc/default-counters.csv`, of which its commits b54068a and 00d6d34 were read.
"""


def labels(expression: str) -> set[str]:
    """The labels that an expression groups or picks by, less the bounds of histograms."""
    grouped = re.findall(r"\b(?:by|on|ignoring) \(([^)]*)\)", expression)
    picked = re.findall(r"[{,]\s*([a-zA-Z_]+)\s*(?:=~|!=|=)", expression)
    return {name.strip() for group in grouped for name in group.split(",") if name.strip()} | set(picked) - {"le"}


def test_labels_are_found_in_an_expression() -> None:
    assert labels('sum by (le, a) (rate(x{b="1",c=~"d",le="2"}[5m])) / ignoring (e) y{f!=""}') == set("abcef") | {"le"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_recorded_is_of_the_catalogues_version(kind: str) -> None:
    assert file(kind).read_text(encoding="utf-8").startswith(heading(kind)), (
        "run `python -m tests.infra.monitoring.record`"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_exposes_what_is_counted_on(kind: str) -> None:
    assert EXPOSED[kind] - exposed(kind).keys() == set()


@pytest.mark.parametrize(("source", "name", "expression"), [each for each in ASKED if each[0] in KINDS])
def test_its_series_have_the_labels_that_are_asked_for(source: str, name: str, expression: str) -> None:
    recorded = exposed(source)
    known = {label for metric in metrics(expression) for label in recorded[metric]}
    assert labels(expression) - {"le"} <= known | OF_A_SCRAPE


def test_the_gpu_exporter_is_asked_for_counters_that_it_has_by_default() -> None:
    asked = {(type_, name.removeprefix("DCGM_FI_DEV_")) for name, type_, _ in COUNTERS}
    assert asked <= {(type_, name) for type_, names in DEFAULT_COUNTERS.items() for name in names}
    assert EXPOSED["dcgm-exporter"] == {name for name, _, _ in COUNTERS}


def test_whatever_is_counted_on_was_recorded_or_runs_in_a_test() -> None:
    runs = {"gateway", *ENGINES, *MONITORING, STORE, CARDS, INGRESS}
    is_told = {"dcgm-exporter"}  # which counters to expose, by a file of ours
    assert {kind for kind, names in EXPOSED.items() if names} <= runs | is_told | set(KINDS)
    assert {path.stem for path in FOLDER.iterdir()} == set(KINDS)
