"""Recorded metrics of engines that no test can start: alerts and panels use only these."""

import re

import pytest

from infra.monitoring.alerts import ALERTS
from infra.monitoring.dashboards import DASHBOARDS
from infra.monitoring.gpu_counters import COUNTERS
from infra.monitoring.metric_names import EXPOSED, GPUS, INGRESS, STORE
from tests.cluster.monitored import ENGINES, MONITORING
from tests.infra.monitoring.recorded import FOLDER, KINDS, exposed, file, heading
from tests.infra.monitoring.test_names import metrics

PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels]
ASKED = [
    *((alert.source, alert.name, alert.expression) for alert in ALERTS),
    *((panel.source, panel.title, query) for panel in PANELS for query, _ in panel.queries),
]
"""Source, name of the alert or panel, and its expression."""
OF_A_SCRAPE = {"job", "instance"}
DEFAULT_COUNTERS = {
    "gauge": {"SM_CLOCK", "MEM_CLOCK", "MEMORY_TEMP", "GPU_TEMP", "POWER_USAGE", "FB_FREE", "FB_USED", "XID_ERRORS"}
    | {"GPU_UTIL", "MEM_COPY_UTIL", "ENC_UTIL", "DEC_UTIL", "VGPU_LICENSE_STATUS", "ROW_REMAP_FAILURE"},
    "counter": {"TOTAL_ENERGY_CONSUMPTION", "PCIE_REPLAY_COUNTER", "NVLINK_BANDWIDTH_TOTAL"}
    | {"UNCORRECTABLE_REMAPPED_ROWS", "CORRECTABLE_REMAPPED_ROWS"},
}
"""Default counters of dcgm-exporter, without those of only some releases.

Its `etc/default-counters.csv`, of which its commits b54068a and 00d6d34 were read.
"""


def labels(expression: str) -> set[str]:
    """Return the labels by which an expression groups or selects, without the bounds of histograms."""
    grouped = re.findall(r"\b(?:by|on|ignoring) \(([^)]*)\)", expression)
    picked = re.findall(r"[{,]\s*([a-zA-Z_]+)\s*(?:=~|!=|=)", expression)
    return {name.strip() for group in grouped for name in group.split(",") if name.strip()} | set(picked) - {"le"}


def test_labels_are_found_in_an_expression() -> None:
    assert labels('sum by (le, a) (rate(x{b="1",c=~"d",le="2"}[5m])) / ignoring (e) y{f!=""}') == set("abcef") | {"le"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_has_the_version_of_the_catalog(kind: str) -> None:
    assert file(kind).read_text(encoding="utf-8").startswith(heading(kind)), (
        "run `python -m tests.infra.monitoring.record`"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_exposes_the_metrics_that_are_used(kind: str) -> None:
    assert EXPOSED[kind] - exposed(kind).keys() == set()


@pytest.mark.parametrize(("source", "name", "expression"), [each for each in ASKED if each[0] in KINDS])
def test_its_series_have_the_labels_that_are_used(source: str, name: str, expression: str) -> None:
    recorded = exposed(source)
    exposed_labels = {label for metric in metrics(expression) for label in recorded[metric]}
    assert labels(expression) - {"le"} <= exposed_labels | OF_A_SCRAPE


def test_the_counters_of_the_gpu_exporter_are_in_its_default_list() -> None:
    counters = {(type_, name.removeprefix("DCGM_FI_DEV_")) for name, type_, _ in COUNTERS}
    assert counters <= {(type_, name) for type_, names in DEFAULT_COUNTERS.items() for name in names}
    assert EXPOSED["dcgm-exporter"] == {name for name, _, _ in COUNTERS}


def test_every_source_is_recorded_or_runs_in_a_test() -> None:
    runs = {"gateway", *ENGINES, *MONITORING, STORE, GPUS, INGRESS}
    is_told = {"dcgm-exporter"}  # which counters to expose, by a file of ours
    assert {kind for kind, names in EXPOSED.items() if names} <= runs | is_told | set(KINDS)
    assert {path.stem for path in FOLDER.iterdir()} == set(KINDS)
