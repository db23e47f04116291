"""Removal of a stack and of its private cluster."""

from pathlib import Path

import pytest

from ops.removal import destroy
from tools.errors import ToolsError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_data_of_a_named_cluster_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\n")
    with pytest.raises(ToolsError, match="kubectl delete namespace llm-infra"):
        destroy("local", tmp_path / "kubeconfig", volumes=True)


def test_a_private_cluster_that_has_ended_needs_no_removal(state: Path) -> None:
    assert destroy("local") == 0
    assert not (state / "clusters/local").exists()
