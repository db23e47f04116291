"""Migration of a consumer: changes of its settings, the only objects outside the namespaces of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.kubernetes import apps, core, meta
from infra.annotations import FORCE, MIGRATED
from infra.labels import part_of
from infra.plan.migration import MigrationPlan


class Migration(pulumi.ComponentResource):
    """An alias, keys of existing ConfigMaps, and a restart of each Deployment that reads them.

    The objects still belong to the consumer: each patch owns only its fields by server-side apply.
    """

    def __init__(self, name: str, args: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Migration", name, None, opts)
        self._name, self._args = name, args
        done: list[pulumi.Resource] = [self._keys(config_map, keys) for config_map, keys in args.values.items()]
        if args.migration.alias:
            done.append(self._alias(args.migration.alias))
        for deployment in args.migration.restarts:
            done.append(self._restart(deployment, after=done[:]))
        self.register_outputs({})

    def _alias(self, alias: str) -> core.v1.Service:
        return core.v1.Service(
            f"{self._name}-{alias}",
            metadata={
                "name": alias,
                "namespace": self._args.consumer.namespace,
                "labels": part_of(),
                "annotations": {FORCE: "false"},  # a Service of the consumer itself is a conflict, not replaced
            },
            spec={"type": "ExternalName", "external_name": self._args.host},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _keys(self, config_map: str, keys: Mapping[str, str]) -> core.v1.ConfigMapPatch:
        return core.v1.ConfigMapPatch(
            f"{self._name}-{config_map}",
            metadata=self._patched(config_map),
            data=dict(keys),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _restart(self, deployment: str, after: Sequence[pulumi.Resource]) -> apps.v1.DeploymentPatch:
        annotations = {MIGRATED: self._args.digest}
        return apps.v1.DeploymentPatch(
            f"{self._name}-{deployment}",
            metadata=self._patched(deployment),
            spec={"template": {"metadata": {"annotations": annotations}}},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _patched(self, name: str) -> meta.v1.ObjectMetaPatchArgsDict:
        return {"name": name, "namespace": self._args.consumer.namespace}
