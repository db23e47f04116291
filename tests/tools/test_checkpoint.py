"""Incomplete checkpoints are repaired before the next command."""

from pathlib import Path

import pytest

from infra.settings.model import ROOT
from tests.tools.conftest import PulumiProject
from tools.offline.engine import PulumiEngine


@pytest.fixture
def engine(tmp_path: Path) -> PulumiEngine:
    made = PulumiEngine(stack="forge", state=tmp_path, kubeconfig=None, project=ROOT)
    made.prepare()
    return made


@pytest.mark.parametrize("kept", [0, 100])
def test_the_previous_checkpoint_replaces_an_incomplete_one(engine: PulumiEngine, kept: int) -> None:
    (checkpoint,) = engine.state.glob("backend/.pulumi/stacks/*/forge.json")
    whole = checkpoint.read_bytes()
    checkpoint.with_suffix(".json.bak").write_bytes(whole)
    checkpoint.write_bytes(whole[:kept])
    done = engine.capture("stack", "export")
    assert done.code == 0, done.output
    assert checkpoint.read_bytes() == whole


@pytest.mark.parametrize("kept", [0, 20])
def test_an_incomplete_attribute_file_is_ignored(engine: PulumiEngine, kept: int) -> None:
    (checkpoint,) = engine.state.glob("backend/.pulumi/stacks/*/forge.json")
    attributes = checkpoint.with_name("forge.json.attrs")
    whole = attributes.read_bytes()
    assert len(whole) > 20
    attributes.write_bytes(whole[:kept])
    done = engine.capture("stack", "export")
    assert done.code == 0, done.output


def test_without_a_complete_previous_one_the_error_is_shown(engine: PulumiEngine) -> None:
    (checkpoint,) = engine.state.glob("backend/.pulumi/stacks/*/forge.json")
    checkpoint.write_bytes(b"")
    checkpoint.with_suffix(".json.bak").write_bytes(b"")
    assert "checkpoint" in engine.capture("stack", "export").output


@pytest.mark.engine
def test_files_of_the_state_that_were_cut_off_are_mended(project: PulumiProject) -> None:
    """After a loss of power each may be empty; the stack's resources must be found again."""
    project.program("import pulumi_command\npulumi_command.local.Command('kept', create='echo kept')\n")
    project.pulumi("up", "--yes", "--skip-preview")
    state = project.engine.state
    stacks = state / "backend/.pulumi/stacks/trial"
    cut = [state / "backend/.pulumi/meta.yaml", stacks / "test.json", project.engine.mirror / "Pulumi.test.yaml"]
    for file in cut:
        content = file.read_text()
        assert content
        file.write_text(content[: len(content) // 2] if file.suffix == ".json" else "")
    lock = state / "backend/.pulumi/locks/organization/trial/test/cut.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    project.engine.prepare()
    project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    project.pulumi("up", "--yes", "--skip-preview")
    assert "::kept" in project.pulumi("stack", "--show-urns")
    assert not lock.exists()
