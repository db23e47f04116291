"""A project of its own with the shipped stack files, for commands that run in the process of the tests."""

from pathlib import Path

import pytest

from infra.settings.model import ROOT


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack file of the forge, in a project of its own."""
    for name in ("Pulumi.yaml", "Pulumi.forge.yaml", "Pulumi.local.yaml", "Pulumi.forge-llamacpp.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # no network
    return tmp_path / "Pulumi.forge.yaml"
