"""Pulumi's state in a folder: what an interrupted run left open, and who works on it."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tools.offline.backend import StateBackend


@pytest.fixture
def backend(tmp_path: Path) -> StateBackend:
    return StateBackend(tmp_path, "local")


def write(backend: StateBackend, path: str, content: Any) -> Path:
    file = backend.folder / ".pulumi" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_resources_of_an_interrupted_run_are_named(backend: StateBackend) -> None:
    operation = {"type": "creating", "resource": {"urn": "urn:pulumi:local::synapse::k8s:core/v1:Secret::keys"}}
    write(backend, "stacks/synapse/local.json", {"checkpoint": {"latest": {"pending_operations": [operation]}}})
    assert backend.pending() == ("keys",)


@pytest.mark.parametrize("content", ["", "{", {"checkpoint": {}}, {"checkpoint": {"latest": {"resources": []}}}])
def test_a_state_without_open_operations_names_none(backend: StateBackend, content: Any) -> None:
    write(backend, "stacks/synapse/local.json", content)
    assert backend.pending() == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"checkpoint": {}}, False),
        ({"checkpoint": {"latest": {"resources": []}}}, False),
        ({"checkpoint": {"latest": {"resources": [{}]}}}, True),
        ({"checkpoint": {"latest": {"pending_operations": [{}]}}}, True),
        ("{", True),  # it may have some
    ],
)
def test_a_state_tells_whether_it_has_resources(backend: StateBackend, content: Any, expected: bool) -> None:  # noqa: FBT001
    assert not backend.has_resources()
    write(backend, "stacks/synapse/local.json", content)
    assert backend.has_resources() is expected


def test_the_version_of_the_layout_is_written_again(backend: StateBackend) -> None:
    meta = write(backend, "meta.yaml", "")
    backend.repair()
    assert meta.read_text() == "version: 1\n"


def test_locks_of_killed_runs_go_and_that_of_a_running_pulumi_stays(backend: StateBackend, tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen([program, "600"]) as running:
        try:
            while Path(f"/proc/{running.pid}/comm").read_text() != "pulumi\n":
                time.sleep(0.01)
            here = platform.node()
            write(backend, "locks/running.json", {"pid": running.pid, "hostname": here})
            write(backend, "locks/elsewhere.json", {"pid": 1, "hostname": "another"})
            for name, content in {"cut": "", "killed": {"pid": os.getpid(), "hostname": here}}.items():
                write(backend, f"locks/{name}.json", content)
            backend.remove_stale_locks()
            assert {path.stem for path in backend.folder.glob(".pulumi/locks/*")} == {"running", "elsewhere"}
            assert backend.lock_holder() == running.pid
        finally:
            running.kill()
    assert backend.lock_holder() is None
