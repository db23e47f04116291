"""Two engines with states of their own, and one stack in a cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from infra.labels import labels
from infra.settings.model import ROOT
from ops.ownership import MARK, Ownership
from tools.errors import ToolsError
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
OTHER = r"has 1 workloads that another engine deployed"


@pytest.fixture
def space(core: Any, namespace: str) -> Iterator[str]:
    """Yield a namespace with one workload of a stack."""
    core.create_namespace({"metadata": {"name": namespace}})
    containers = [{"name": "it", "image": "example.test/it"}]
    template = {"metadata": {"labels": labels("it", "it")}, "spec": {"containers": containers}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels("it", "it")}, "template": template}
    body = {"metadata": {"name": "it", "labels": labels("it", "it")}, "spec": spec}
    apps: Any = client.AppsV1Api(core.api_client)
    apps.create_namespaced_deployment(namespace, body)
    yield namespace
    core.delete_namespace(namespace)


@pytest.fixture
def one(tmp_path: Path, kubeconfig: Path, space: str) -> Ownership:
    """Return the stack as the engine sees it that deployed it: its state has resources."""
    return seen_by(tmp_path / "one", kubeconfig, space, resources=[{"urn": "urn:pulumi:forge::it"}])


@pytest.fixture
def other(tmp_path: Path, kubeconfig: Path, space: str) -> Ownership:
    return seen_by(tmp_path / "other", kubeconfig, space, resources=[])


def seen_by(state: Path, kubeconfig: Path, namespace: str, resources: list[Any]) -> Ownership:
    checkpoint = state / "backend/.pulumi/stacks/synapse/forge.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    return Ownership(PulumiEngine("forge", state, kubeconfig, ROOT), kubeconfig, namespace, None)


def test_an_engine_that_knows_nothing_of_a_stack_does_not_take_it_over(one: Ownership, other: Ownership) -> None:
    one.check()
    with pytest.raises(
        ToolsError, match=rf"{OTHER} \(an engine that left no mark\).*`synapse up --adopt --stack forge`"
    ):
        other.check()


def test_the_mark_keeps_the_other_engine_out_until_it_adopts(one: Ownership, other: Ownership) -> None:
    one.claim()
    one.claim()  # as each deployment does
    one.check()
    with pytest.raises(ToolsError, match=rf"{OTHER} \({one.pulumi.state} on "):
        other.check()
    other.check(adopt=True)
    other.claim()
    other.check()
    with pytest.raises(ToolsError, match=rf"{OTHER} \({other.pulumi.state} on "):
        one.check()


def test_clones_that_share_a_state_share_the_stack(
    one: Ownership, kubeconfig: Path, space: str, tmp_path: Path
) -> None:
    one.claim()
    clone = PulumiEngine("forge", one.pulumi.state, kubeconfig, tmp_path / "clone")
    Ownership(clone, kubeconfig, space, None).check()


def test_a_destroyed_stack_has_no_mark(one: Ownership, other: Ownership, core: Any, space: str) -> None:
    one.claim()
    one.end()
    one.end()
    assert MARK not in {item.metadata.name for item in core.list_namespaced_config_map(space).items}
    client.AppsV1Api(core.api_client).delete_namespaced_deployment("it", space)
    other.check()  # what was retained, such as PVCs, is adopted without a question


def test_a_stack_that_is_not_there_belongs_to_nobody(kubeconfig: Path, tmp_path: Path) -> None:
    seen_by(tmp_path / "new", kubeconfig, "nowhere", resources=[]).check()
