"""Upgrades: a stack that an earlier commit deployed goes to this one without hands."""

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from components.field_ownership import MANAGER
from tests.pulumi_engine.conftest import PACK, PROGRAM, MakeProject, ok
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
EARLIER = """
from infra.annotations import SKIP_AWAIT
from components import ingress
from components.kubernetes import networking
from stacks import forge

make_security, made = forge._security, {}


def security(plan, namespace, opts):
    made["security"] = make_security(plan, namespace, opts)
    return made["security"]


def old_ingress(plan, namespace, backends, opts):
    gateway = next(each for each in plan.services if each.backend.kind == "gateway")
    networking.v1.Ingress(
        "security-ingress",
        metadata={
            "name": "synapse-gateway",
            "namespace": namespace.name,
            "annotations": {SKIP_AWAIT: "true", "removed.example.org/setting": "old"},
        },
        spec=ingress.spec(plan.settings.ingress, gateway),
        opts=pulumi.ResourceOptions(parent=made["security"]),
    )


forge.own_fields = lambda args: None
forge._security, forge._ingress = security, old_ingress
"""
"""Layout of earlier commits: the Ingress belonged to the policies, and each object had a field manager of its own."""


def write(folder: Path, program: str) -> None:
    (folder / "project/program/__main__.py").write_text(program)


def managers(content: Any) -> set[str]:
    """Return the managers of an object that Pulumi applied."""
    return {each.manager for each in content.metadata.managed_fields if each.operation == "Apply"}


def up(engine: PulumiEngine) -> str:
    return ok(engine.capture("up", "--yes", "--skip-preview", *PACK))


def test_an_earlier_layout_is_upgraded_in_place(
    project: MakeProject, core: Any, namespace: str, tmp_path: Path
) -> None:
    engine = project()
    earlier = PROGRAM.replace("runpy.run_path", EARLIER + "\nrunpy.run_path", 1)
    write(tmp_path, earlier)
    up(engine)
    network: Any = client.NetworkingV1Api(core.api_client)
    before = network.read_namespaced_ingress("synapse-gateway", namespace)
    assert managers(before) != {MANAGER}
    write(tmp_path, PROGRAM)
    preview = ok(engine.capture("preview", *PACK))
    assert "to delete" not in preview
    assert "to replace" not in preview
    up(engine)
    after = network.read_namespaced_ingress("synapse-gateway", namespace)
    assert after.metadata.uid == before.metadata.uid
    assert "removed.example.org/setting" not in after.metadata.annotations
    apps: Any = client.AppsV1Api(core.api_client)
    deployments = apps.list_namespaced_deployment(namespace).items
    assert deployments
    assert {frozenset(managers(each)) for each in [after, *deployments]} == {frozenset({MANAGER})}
    ok(engine.capture("preview", "--expect-no-changes", *PACK))
