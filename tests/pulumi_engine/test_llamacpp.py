"""The stack forge-llamacpp: eight services, four on shares of one GPU, through all phases."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.plan.stack import plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from infra.settings.names import LAST_PHASE
from ops.cluster.state import is_complete, read
from ops.cluster.target import at_phase, simulated_node
from tests.pulumi_engine.conftest import PACK, clean, ok
from tools.offline.engine import PulumiEngine
from tools.twin import Twin

pytestmark = pytest.mark.engine
STACK = "forge-llamacpp"


@pytest.fixture(scope="module")
def kubeconfig(state: Path) -> Iterator[Path]:
    """Run a twin of this stack's node, whose GPU has six shares."""
    twin = Twin("llamacpp", state, owner_pid=os.getpid())
    try:
        yield twin.up(simulated_node(load(STACK)))
    finally:
        twin.down()


@pytest.fixture
def engine(kubeconfig: Path, tmp_path: Path) -> Iterator[PulumiEngine]:
    engine = PulumiEngine(stack=STACK, state=tmp_path / "engine", kubeconfig=kubeconfig, project=ROOT)
    engine.prepare()
    yield engine
    clean(engine, kubeconfig, load(STACK).namespace)


def test_it_deploys_at_once_and_again_phase_by_phase(engine: PulumiEngine, kubeconfig: Path) -> None:
    ok(engine.capture("preview", *PACK))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    planned = plan(load(STACK))
    state = read(kubeconfig, *planned.namespaces)
    assert is_complete(planned, state)
    assert ("nvidia-device-plugin", "forge") in {(pod.workload, pod.node) for pod in state.pods}
    ok(engine.capture("preview", "--expect-no-changes", *PACK))
    engine.prepare({"synapse:phase": 1})
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert [pod.workload for pod in read(kubeconfig, *planned.namespaces).pods] == ["llama-embed"]
    for phase in range(2, LAST_PHASE + 1):
        engine.prepare({"synapse:phase": phase})
        ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
        step = plan(at_phase(load(STACK), phase))
        assert is_complete(step, read(kubeconfig, *step.namespaces))
    ok(engine.capture("preview", "--expect-no-changes", *PACK))
