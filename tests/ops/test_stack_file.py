"""Writing of a stack file: in one step, once it loads, and never over the work of somebody else."""

from pathlib import Path

import pytest

from infra.errors import SettingsError
from infra.settings.model import ROOT
from ops import stack_file
from ops.stack_file import Edit, StackText


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("Pulumi.yaml", "Pulumi.forge.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "Pulumi.forge.yaml"


PHASE = Edit(path=("phase",), value=5)


def test_an_edit_is_written_and_leaves_no_other_file(forge: Path) -> None:
    before = stack_file.read("forge")
    after = before.changed([PHASE])
    assert stack_file.write(before, after) == forge
    assert forge.read_text() == before.text.replace("phase: 6", "phase: 5", 1)
    assert after.settings().phase == 5
    assert {path.name for path in forge.parent.iterdir()} == {"Pulumi.yaml", "Pulumi.forge.yaml"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config: {", "not valid YAML"),
        ("config: {}", "synapse:node: missing"),
        ("", "config: missing"),
    ],
)
def test_a_file_that_does_not_load_is_not_written(forge: Path, text: str, message: str) -> None:
    before, content = stack_file.read("forge"), forge.read_bytes()
    with pytest.raises(SettingsError, match=message):
        stack_file.write(before, StackText(stack="forge", text=text))
    assert forge.read_bytes() == content
    assert {path.name for path in forge.parent.iterdir()} == {"Pulumi.yaml", "Pulumi.forge.yaml"}


def test_the_work_of_somebody_else_is_not_overwritten(forge: Path) -> None:
    before = stack_file.read("forge")
    forge.write_text(before.text + "# mine\n")
    with pytest.raises(SettingsError, match="somebody else has changed it; nothing was written"):
        stack_file.write(before, before.changed([PHASE]))
    assert forge.read_text().endswith("# mine\n")


def test_a_file_that_is_gone_is_named(forge: Path) -> None:
    before = stack_file.read("forge")
    forge.unlink()
    with pytest.raises(SettingsError, match=r"cannot be written .*No such file"):
        stack_file.write(before, before.changed([PHASE]))


def test_an_edit_that_cannot_be_made_names_the_file(forge: Path) -> None:
    with pytest.raises(SettingsError, match=r"Pulumi.forge.yaml: config.synapse:phase: is '6', not a mapping"):
        stack_file.read("forge").changed([Edit(path=("phase", "deep"), value=1)])
