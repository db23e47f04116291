"""Life of a cluster: beside another, restarted with its data, deleted without a trace."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config

from tests.cluster.conftest import SIZE, eventually
from tests.shipped import copy_checkout
from tools.cluster import Cluster, ClusterStatus
from tools.cluster.packages import programs
from tools.cluster.record import API

CGROUPS = Path("/sys/fs/cgroup")
NOBODY = 65534


@pytest.fixture
def second(cluster: Cluster, state: Path) -> Iterator[Cluster]:
    """Make a cluster with the same name as the session's, below another state folder."""
    another = state / "another"
    Cluster.sweep(another)
    second = Cluster(cluster.name, another, owner_pid=os.getpid())
    try:
        yield second
    finally:
        second.delete()


def test_two_run_side_by_side_and_one_goes_without_a_trace(cluster: Cluster, second: Cluster) -> None:
    before = _host(second)
    second.up()
    try:
        assert cluster.status().is_healthy
        assert second.status().is_healthy
        assert cluster.status().addresses["api"] != second.status().addresses["api"]
        with _core(second) as core:
            core.create_namespaced_config_map("default", {"metadata": {"name": "kept"}, "data": {"a": "b"}})
        assert "kept" not in _names(cluster)
        address = second.address("api")
        second.down()
        eventually(lambda: not _host(second) - before, "something is left")
        second.up()
        assert second.address("api") == address
        assert "kept" in _names(second)
    finally:
        second.delete()
    eventually(lambda: not _host(second) - before, "something is left")
    assert not second.folder.exists()
    assert cluster.status().is_healthy


def test_a_killed_node_is_restarted(second: Cluster) -> None:
    second.up()
    for process in _of(second):
        with suppress(psutil.NoSuchProcess):  # process 1 ends the others
            process.kill()
    eventually(lambda: not second.status().components, "the node still runs")
    second.up()
    assert second.status().is_healthy


def test_a_second_checkout_uses_the_cluster_that_runs(cluster: Cluster, state: Path, tmp_path: Path) -> None:
    """Its programs have other paths, and its virtual environment too."""
    copy_checkout(tmp_path / "checkout")
    (tmp_path / "environment").symlink_to(sys.prefix)
    before = cluster.status()
    program = f"""
        import os, sys, tools
        from pathlib import Path
        from tools.cluster import Cluster, Size
        assert tools.__file__.startswith({str(tmp_path)!r}), tools.__file__
        Cluster({cluster.name!r}, Path({str(state)!r}), owner_pid={os.getpid()}).up(size={SIZE!r})
    """
    done = subprocess.run(
        [tmp_path / "environment/bin/python", "-c", textwrap.dedent(program)],
        cwd=tmp_path / "checkout",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "checkout")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "restarting" not in done.stderr
    assert cluster.status() == before


@pytest.mark.parametrize("name", ["cluster.json", "kubeconfig", "status.json", "node.json"])
def test_a_file_that_was_cut_off_is_mended_and_no_data_is_lost(cluster: Cluster, name: str) -> None:
    """Only the node's specification, which says what runs, needs a restart."""
    file, before = cluster.folder / name, _without_forwards(cluster.status())
    whole = file.read_text()
    names = _names(cluster)
    file.write_text(whole[: len(whole) // 2])
    assert cluster.up(size=SIZE) == cluster.kubeconfig
    if name in {"cluster.json", "kubeconfig"}:
        assert _without_forwards(cluster.status()) == before
    assert cluster.status().is_healthy
    assert _names(cluster) == names


def _without_forwards(status: ClusterStatus) -> ClusterStatus:
    """Return a status with the API server's address only: others are those that the next start is given."""
    return replace(status, addresses={API: status.addresses[API]})


def test_a_missing_privilege_has_a_message_of_one_sentence(state: Path) -> None:
    program = f"""
        import os, sys
        from pathlib import Path
        from tools.cluster import Cluster
        from tools.errors import ToolsError
        cluster = Cluster("nobody", Path({str(state)!r}))
        os.setuid({NOBODY})
        try:
            cluster.up()
        except ToolsError as error:
            sys.exit(str(error))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"real pods cannot run here: root is needed for namespaces and control groups, and this is uid {NOBODY}; "
        "try the simulated machine with `make twin`, or set SYNAPSE_KUBECONFIG to use an existing cluster\n"
    )
    assert not (state / "clusters/nobody").exists()


def _host(cluster: Cluster) -> set[str]:
    """Return everything outside its folder that the cluster may have left on the machine."""
    mounts = (line.split(" ", 3)[3] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    rules = (line.partition(" [")[0] for line in _printed("iptables-save") if not line.startswith("#"))
    name = cluster.cgroup.removeprefix("/")
    groups = (f"{path}/{name}" for path, names, _ in os.walk(CGROUPS) if name in names)
    overcommit = Path("/proc/sys/vm/overcommit_memory").read_text()
    parts = [mounts, _printed("ip", "-brief", "link"), _printed("ip", "route"), rules, groups, [overcommit]]
    return {str(process) for process in _of(cluster)}.union(*parts)


def _printed(*command: str) -> list[str]:
    environment = programs().environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _of(cluster: Cluster) -> list[psutil.Process]:
    """Return the processes in the cluster's control groups."""
    processes = []
    for process in psutil.process_iter():
        try:
            if cluster.cgroup in Path(f"/proc/{process.pid}/cgroup").read_text():
                processes.append(process)
        except OSError:
            continue
    return processes


@contextmanager
def _core(cluster: Cluster) -> Iterator[Any]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as api:  # type: ignore[no-untyped-call]
        yield client.CoreV1Api(api)


def _names(cluster: Cluster) -> set[str]:
    with _core(cluster) as core:
        return {item.metadata.name for item in core.list_namespaced_config_map("default").items}
