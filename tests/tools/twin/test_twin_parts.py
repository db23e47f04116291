"""Parts of a twin that need no running twin: processes, record, name, stages."""

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.tools.twins import NODE, WAITING, wait
from tools.control_plane.processes import Process, spawn
from tools.errors import TwinError
from tools.twin import Twin
from tools.twin.commands import STAGES
from tools.twin.record import UNKNOWN, TwinRecord, load


def test_a_program_that_was_not_recorded_never_runs(tmp_path: Path) -> None:
    started: list[Process] = []

    def interrupted(process: Process) -> None:
        started.append(process)
        raise KeyboardInterrupt

    command = ["/bin/sh", "-c", f"touch {tmp_path / 'ran'}"]
    with pytest.raises(KeyboardInterrupt):
        spawn(command, tmp_path, tmp_path / "log", interrupted)
    assert wait(lambda: not started[0].is_running())
    assert not (tmp_path / "ran").exists()
    spawn(command, tmp_path, tmp_path / "log", started.append)
    assert wait((tmp_path / "ran").exists)
    assert wait(lambda: not started[1].is_running())


def test_a_reused_pid_is_left_alone() -> None:
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as running:
        process = Process.of(running.pid)
        for other in (replace(process, started=process.started - 1), replace(process, boot="another")):
            assert not other.is_running()
            other.end()
        assert process.is_running()
        process.end()
        assert not process.is_running()
        running.returncode = -signal.SIGKILL  # `end` has waited for it already


def test_a_record_is_read_as_it_was_saved(tmp_path: Path) -> None:
    record = TwinRecord(node=NODE, port=1, owner=Process.of(os.getpid()), processes={"etcd": Process.of(os.getpid())})
    record.save(tmp_path)
    assert load(tmp_path) == record
    assert json.loads((tmp_path / "twin.json").read_text())["port"] == 1


@pytest.mark.parametrize("text", ["", '{"node": {"na', '{"node": {"size": 1}}', "[]"])
def test_a_record_that_cannot_be_read_is_made_anew_from_what_runs(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "twin.json").write_text(text)
    with subprocess.Popen(["/built/etcd", "600"], executable="/bin/sleep", cwd=tmp_path) as running:
        try:
            assert load(tmp_path) == TwinRecord(node=UNKNOWN, processes={"etcd": Process.of(running.pid)})
        finally:
            running.kill()
    assert f"{tmp_path}/twin.json: cannot be read; made anew" in capsys.readouterr().err
    assert (tmp_path / "twin.json").read_text() == text


@pytest.mark.parametrize("name", ["", "../x", "Forge", "a/b", "x" * 42])
def test_a_name_that_could_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(TwinError, match="a twin's name"):
        Twin(name)


def test_the_stages_cover_all_simulated_kinds() -> None:
    kinds = [stage["spec"]["resourceRef"]["kind"] for stage in yaml.safe_load_all(STAGES.read_text())]
    assert set(kinds) == {"Node", "Pod", "PersistentVolumeClaim", "PersistentVolume"}
