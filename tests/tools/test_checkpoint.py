"""A checkpoint whose writing was cut off does not stop the next command."""

from pathlib import Path

import pytest

from infra.settings.loader import ROOT
from tools.offline.engine import PulumiEngine


@pytest.fixture
def engine(tmp_path: Path) -> PulumiEngine:
    made = PulumiEngine(stack="forge", state=tmp_path, kubeconfig=None, project=ROOT)
    made.prepare()
    return made


@pytest.mark.parametrize("kept", [0, 100])
def test_the_former_one_takes_its_place(engine: PulumiEngine, kept: int) -> None:
    (checkpoint,) = engine.state.glob("backend/.pulumi/stacks/*/forge.json")
    whole = checkpoint.read_bytes()
    checkpoint.with_suffix(".json.bak").write_bytes(whole)
    checkpoint.write_bytes(whole[:kept])
    done = engine.capture("stack", "export")
    assert done.code == 0, done.output
    assert checkpoint.read_bytes() == whole


@pytest.mark.parametrize("kept", [0, 20])
def test_notes_that_were_cut_off_are_nobodys_loss(engine: PulumiEngine, kept: int) -> None:
    (checkpoint,) = engine.state.glob("backend/.pulumi/stacks/*/forge.json")
    notes = checkpoint.with_name("forge.json.attrs")
    whole = notes.read_bytes()
    assert len(whole) > 20
    notes.write_bytes(whole[:kept])
    done = engine.capture("stack", "export")
    assert done.code == 0, done.output


def test_without_a_whole_former_one_the_fault_is_told(engine: PulumiEngine) -> None:
    (checkpoint,) = engine.state.glob("backend/.pulumi/stacks/*/forge.json")
    checkpoint.write_bytes(b"")
    checkpoint.with_suffix(".json.bak").write_bytes(b"")
    assert "checkpoint" in engine.capture("stack", "export").output
