"""The local stack after a loss of power: every process of its cluster has ended, and Pulumi has nothing to change."""

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import eventually
from tests.cluster.stack.local import LocalStack


def processes(local: LocalStack) -> list[psutil.Process]:
    """Return the processes in the cluster's control groups."""
    members = []
    for process in psutil.process_iter():
        with suppress(OSError):
            if local.cluster.cgroup in Path(f"/proc/{process.pid}/cgroup").read_text():
                members.append(process)
    return members


@pytest.fixture(scope="module", autouse=True)
def settled(local: LocalStack) -> None:
    """Deploy what the folder has: after the tests of releases that is another version than the one that runs."""
    local.run("up", "--skip-smoke")


def test_up_waits_for_the_pods(local: LocalStack) -> None:
    voice, before = local.make_voice().json()["voice_id"], local.versions()
    for process in processes(local):
        with suppress(psutil.NoSuchProcess):  # process 1 ends the others
            process.kill()
    eventually(lambda: not local.cluster.status().api_ready, "the cluster still runs")
    local.run("up", "--skip-smoke")
    assert local.versions() == before  # nothing was changed
    local.run("smoke", "--only", "health", "--only", "embedding")
    assert voice in local.voices()


def test_a_cut_off_record_is_no_reason_to_start_anew(local: LocalStack) -> None:
    voice, pods = local.make_voice().json()["voice_id"], local.pods()
    record = local.cluster.folder / "cluster.json"
    record.write_text(record.read_text()[:40])
    done = local.run("up", "--skip-smoke")
    assert "cannot be read; made anew from the processes of" in done.stderr
    assert voice in local.voices()
    assert local.pods() == pods
