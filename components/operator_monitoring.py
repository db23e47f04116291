"""Monitoring by an existing Prometheus operator: targets, rules and dashboards, without servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions

from components.kubernetes import core, meta
from components.namespace import Namespace
from infra.labels import PLATFORM, part_of
from infra.monitoring import dashboards, operator_objects
from infra.plan.stack import Plan

DASHBOARD = "grafana_dashboard"
"""Label by which the sidecar of the operator's Grafana discovers dashboards."""


@dataclass(frozen=True, kw_only=True)
class OperatorMonitoringArgs:
    """Plan to monitor, and its namespace."""

    plan: Plan
    namespace: Namespace


class OperatorMonitoring(pulumi.ComponentResource):
    """A PodMonitor or Probe for each service, one PrometheusRule, and a ConfigMap for each dashboard."""

    def __init__(self, name: str, args: OperatorMonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:OperatorMonitoring", name, None, opts)
        self._name, self._args = name, args
        for service, spec in operator_objects.pod_monitors(args.plan):
            self._object("PodMonitor", service, spec)
        for service, spec in operator_objects.probes(args.plan):
            self._object("Probe", service, spec)
        self._object("PrometheusRule", PLATFORM, operator_objects.rules(args.plan))
        for file, content in dashboards.files(args.plan).items():
            key = file.removesuffix(".json")
            core.v1.ConfigMap(
                f"{name}-{key}",
                metadata=self._metadata(f"dashboard-{key}", {DASHBOARD: "1"}),
                data={f"synapse-{file}": content},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})

    def _object(self, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        apiextensions.CustomResource(
            f"{self._name}-{kind.lower()}-{name}",
            api_version=operator_objects.API,
            kind=kind,
            metadata=self._metadata(name, self._args.plan.settings.monitoring.labels),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _metadata(self, name: str, labels: Mapping[str, str]) -> meta.v1.ObjectMetaArgsDict:
        return {
            "name": name,
            "namespace": self._args.namespace.name,
            "labels": {**part_of(), **labels},
        }
