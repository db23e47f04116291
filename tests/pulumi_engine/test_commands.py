"""Commands `synapse up`, `status`, `preview`, `twin down` and `down`."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from infra.settings.model import ROOT
from tools.twin import Twin

pytestmark = pytest.mark.engine
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def synapse(tmp_path: Path) -> Iterator[Run]:
    """Return a function that runs the command with its own state folder; its twin ends with the test."""
    environment = os.environ | {"SYNAPSE_STATE": str(tmp_path), "SYNAPSE_STACK": "forge", "COLUMNS": "160"}
    program = Path(sys.executable).with_name("synapse")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    yield run
    run("twin", "down")


def test_a_twin_starts_empty_after_its_end(synapse: Run, tmp_path: Path) -> None:
    for _ in range(2):
        done = synapse("up", "--phase", "1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "ollama-models" in done.stdout
        assert re.search(r"^1 +ollama +ollama-\S+ +Ready +0 +\d+ \w+ .* forge$", done.stdout, re.MULTILINE), done.stdout
        assert synapse("twin", "down").returncode == 0
    assert list(tmp_path.rglob("*")) == []


def test_status_shows_missing_workloads_and_down_removes_everything(synapse: Run, tmp_path: Path) -> None:
    assert synapse("up", "--phase", "1").returncode == 0
    status = synapse("status")
    assert status.returncode == 1  # the stack file has all phases
    assert "ollama" in status.stdout
    preview = synapse("preview")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "to create" in preview.stdout
    kubeconfig = str(Twin("forge", tmp_path).kubeconfig)
    refused = synapse("clean", "--volumes", "--kubeconfig", kubeconfig)
    assert refused.returncode == 1
    assert "deleted: ollama, 1 pod" in refused.stderr
    assert "LOST: PVC ollama-models, 200Gi, with the data of ollama" in refused.stderr
    assert remaining(kubeconfig) == ({"ollama-models"}, 1)
    done = synapse("clean", "--volumes", "--yes", "--kubeconfig", kubeconfig)
    assert done.returncode == 0, done.stderr
    assert remaining(kubeconfig) == (set(), 0)
    down = synapse("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert list(tmp_path.rglob("*")) == []


def test_drift_is_shown_by_a_preview_that_reads_the_cluster(synapse: Run, tmp_path: Path) -> None:
    assert synapse("up", "--phase", "1").returncode == 0
    options = ("preview", "--phase", "1", "--expect-no-changes")
    unchanged = synapse(*options, "--refresh")
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    with config.new_client_from_config(str(Twin("forge", tmp_path).kubeconfig)) as api:  # type: ignore[no-untyped-call]
        container = {"name": "ollama", "env": [{"name": "OLLAMA_KEEP_ALIVE", "value": "1s"}]}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        client.AppsV1Api(api).patch_namespaced_deployment("ollama", "llm-infra", patch)
    assert synapse(*options).returncode == 0  # the state does not know of it
    drifted = synapse(*options, "--refresh")
    assert drifted.returncode != 0
    assert "OLLAMA_KEEP_ALIVE" in drifted.stdout


def remaining(kubeconfig: str) -> tuple[set[str], int]:
    """Return the claims that are not being deleted, and the number of Deployments."""
    with config.new_client_from_config(kubeconfig) as api:  # type: ignore[no-untyped-call]
        core: Any = client.CoreV1Api(api)
        claims = core.list_namespaced_persistent_volume_claim("llm-infra").items
        deployments = client.AppsV1Api(api).list_namespaced_deployment("llm-infra").items
    return {claim.metadata.name for claim in claims if not claim.metadata.deletion_timestamp}, len(deployments)
