"""Panels and dashboards as data, and their JSON for Grafana.

Source: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA = 41
WIDTH = 24  # of the grid
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. *source* is the kind that exposes its metrics; *queries* are expressions with legends."""

    title: str
    source: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"  # a unit of Grafana: `bytes`, `s`, `percentunit`
    shape: Literal["timeseries", "stat", "bargauge"] = "timeseries"
    width: int = 12
    height: int = 8
    stacked: bool = False


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Panels in reading order; *key* is part of the dashboard's permanent address."""

    key: str
    title: str
    panels: tuple[Panel, ...] = field(default=())


def render(dashboard: Dashboard) -> dict[str, Any]:
    """Return the JSON document, which is deterministic."""
    return {
        "uid": f"synapse-{dashboard.key}",
        "title": dashboard.title,
        "tags": ["synapse"],
        "schemaVersion": SCHEMA,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["synapse"], "title": "Synapse", "asDropdown": True}],
        "panels": [
            _panel(panel, position, number) for number, (panel, position) in enumerate(_positions(dashboard.panels), 1)
        ],
    }


def _positions(panels: Sequence[Panel]) -> Iterator[tuple[Panel, dict[str, int]]]:
    """Yield each panel with its grid position, left to right in rows."""
    x = y = row = 0
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, row = 0, y + row, 0
        yield panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, row = x + panel.width, max(row, panel.height)


def _panel(panel: Panel, position: dict[str, int], number: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.shape,
        "title": panel.title,
        "datasource": dict(DATASOURCE),
        "gridPos": position,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": _style(panel)}, "overrides": []},
        "options": _options(panel),
        "targets": [_target(query, legend, ref) for (query, legend), ref in zip(panel.queries, "ABCDEF", strict=False)],
    }


def _style(panel: Panel) -> dict[str, Any]:
    if panel.shape != "timeseries":
        return {}
    stacking = {"stacking": {"mode": "normal", "group": "A"}} if panel.stacked else {}
    return {"lineWidth": 1, "fillOpacity": 30 if panel.stacked else 8, "showPoints": "never", **stacking}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.shape == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "auto"}


def _target(query: str, legend: str, ref: str) -> dict[str, Any]:
    return {"refId": ref, "datasource": dict(DATASOURCE), "expr": query, "legendFormat": legend, "range": True}
