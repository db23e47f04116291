"""Pinned monitoring programs, and the checkers of their configuration files."""

from dataclasses import replace
from typing import Final

from tools.offline.pins.pin import MODULES, GoPackage, Patch, Pin, built

PROMETHEUS: Final = "3.15.0"
ALERTMANAGER: Final = "0.34.1"
_VERSION: Final = "github.com/prometheus/common/version.Version"


def _checker(name: str, version: str, source: GoPackage) -> Pin:
    """Return a pin that accepts any program on PATH of the same minor version, which reads the same files."""
    major, minor, _ = map(int, version.split("."))
    return replace(built(name, version, source), at_least=(major, minor), below=(major, minor + 1))


def _exporter(name: str, version: str, folder: str, package: str, minutes: int = 1) -> Pin:
    source = GoPackage(module=MODULES / folder, package=package, variables={_VERSION: version}, minutes=minutes)
    return built(name, version, source)


_PROMTOOL: Final = _checker(
    "promtool",
    PROMETHEUS,
    GoPackage(
        module=MODULES / "prometheus",
        package="github.com/prometheus/prometheus/cmd/promtool",
        version="0.315.0",
        tags=("remove_all_sd", "enable_dns_sd"),  # service discovery of clouds is half of the program
        variables={_VERSION: PROMETHEUS},
        minutes=2,
    ),
)
_PROMETHEUS: Final = built(
    "prometheus", PROMETHEUS, replace(_PROMTOOL.source, package="github.com/prometheus/prometheus/cmd/prometheus")
)
_AMTOOL: Final = _checker(
    "amtool",
    ALERTMANAGER,
    GoPackage(
        module=MODULES / "prometheus",
        package="github.com/prometheus/alertmanager/cmd/amtool",
        variables={_VERSION: ALERTMANAGER},
        minutes=1,
    ),
)
_ALERTMANAGER: Final = built(
    "alertmanager",
    ALERTMANAGER,
    replace(
        _AMTOOL.source,
        package="github.com/prometheus/alertmanager/cmd/alertmanager",
        patch=Patch(
            module="github.com/prometheus/alertmanager",
            files={"ui/app/dist/index.html": "Built without its pages: ask /api/v2.\n"},
        ),
    ),
)
_KUBE_STATE_METRICS: Final = replace(
    _exporter("kube-state-metrics", "2.19.1", "kube-state-metrics", "k8s.io/kube-state-metrics/v2", minutes=2),
    ask="version",
)

ALL: Final = (
    _PROMTOOL,
    _AMTOOL,
    _PROMETHEUS,
    _ALERTMANAGER,
    _exporter("blackbox_exporter", "0.28.0", "blackbox", "github.com/prometheus/blackbox_exporter"),
    _exporter("node_exporter", "1.12.1", "node-exporter", "github.com/prometheus/node_exporter"),
    _KUBE_STATE_METRICS,
)
