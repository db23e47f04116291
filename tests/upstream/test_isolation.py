"""The runner itself: what a container may do, and that nothing of it is left."""

import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.processes import is_alive
from tests.upstream.container import Container, Mount
from tests.upstream.image import system
from tests.upstream.running import ADDRESS, started

pytestmark = pytest.mark.usefixtures("privileged")
MOUNTS = (
    Mount(path="/models", source="claim", files={}),
    Mount(path="/tmp", source="scratch", files={}),  # noqa: S108 - inside the container
    Mount(path="/config", source="files", read_only=True, files={"a.yaml": "a: 1\n"}),
    Mount(path="/volumes/other", source="claim", read_only=True, files={}),
)
WRITABLE = {"/models", "/tmp", "/dev/shm"}  # noqa: S108 - inside the container


def shell(script: str) -> Container:
    return Container(
        name="shell",
        image="none",
        command=("sh", "-ec", script),
        arguments=(),
        environment={"GIVEN": "yes"},
        user=10_000,
        group=10_000,
        volume_group=10_000,
        mounts=MOUNTS,
        port=8000,
        readiness={},
        grace_s=30,
        has_token=False,
        security={},
    )


def output(script: str, folder: Path) -> str:
    with started(shell(script), system(), folder) as running:
        assert running.wait() == 0, running.log
        return running.log


def test_only_the_pods_volumes_can_be_written(tmp_path: Path) -> None:
    assert (
        set(output("find / -type d -writable -not -path '/proc/*' 2>/dev/null || true", tmp_path).split()) == WRITABLE
    )


def test_a_process_has_the_pods_user_and_no_rights(tmp_path: Path) -> None:
    lines = output("cat /proc/self/status", tmp_path).splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert status["Uid"] == status["Gid"] == ["10000"] * 4
    assert status["Groups"] == ["10000"]
    assert {status[f"Cap{each}"][0] for each in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == ["1"]


def test_the_environment_is_the_pods_alone(tmp_path: Path) -> None:
    lines = output("env", tmp_path).splitlines()
    assert {line.partition("=")[0] for line in lines} == {"GIVEN", "HOME", "HOSTNAME", "PATH", "PWD"}


def test_no_other_machine_can_be_reached(tmp_path: Path) -> None:
    with started(shell("sleep 600"), system(), tmp_path) as running:
        with pytest.raises(OSError, match="unreachable"):
            running.call(socket.create_connection, ("192.0.2.1", 80))
        running.call(socket.create_server, (ADDRESS, 0)).close()  # its own address it has


def test_files_of_a_config_map_are_links_to_read_only_files(tmp_path: Path) -> None:
    assert output("cat /config/a.yaml; readlink /config/a.yaml", tmp_path) == "a: 1\n..data/a.yaml\n"


def test_what_the_pod_writes_is_on_its_volume(tmp_path: Path) -> None:
    with started(shell("echo it > /models/file"), system(), tmp_path) as running:
        assert running.wait() == 0
        assert (running.volume("/models") / "file").read_text() == "it\n"


def test_its_processes_end_with_it(tmp_path: Path) -> None:
    with started(shell("sleep 600 & sleep 600"), system(), tmp_path) as running:
        processes = psutil.Process(running.process.pid).children(recursive=True)
    assert processes
    psutil.wait_procs(processes, timeout=60)
    assert not any(map(is_alive, processes))


def test_a_program_that_is_not_in_the_image_is_an_error(tmp_path: Path) -> None:
    container = replace(shell(""), command=("no-such-program",))
    with started(container, system(), tmp_path) as running:
        assert running.wait() != 0
        assert "no-such-program: not an executable in the image" in running.log
