"""A twin is a real control plane: start, scheduling, volumes, authentication, crash, and cleanup."""

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tools.twins import GIB, NODE, WAITING, another, api, claim, condition, leftovers, pod, strict, wait
from tools.errors import ControlPlaneError, ToolchainError, TwinError
from tools.twin import Twin
from tools.twin.credentials import USERS, credentials


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the same folder in every run, so that a killed run's leftovers are swept; too long for a socket's path."""
    folder = tmp_path_factory.getbasetemp().parent / ("a-state-folder-" * 8)
    Twin.sweep(folder)
    yield folder
    with suppress(OSError):
        folder.rmdir()  # unless another run uses it


@pytest.fixture(scope="module")
def twin(state: Path) -> Iterator[Twin]:
    mine = Twin(f"test-{os.getpid()}", state, owner_pid=os.getpid())
    try:
        mine.up(NODE)
        yield mine
    finally:
        mine.down()


@pytest.mark.engine
def test_the_node_is_the_one_that_was_asked_for(twin: Twin) -> None:
    node = api(twin).get("/api/v1/nodes/forge")
    assert node
    offered = node["status"]["allocatable"]
    assert (offered["memory"], offered["cpu"], offered["nvidia.com/gpu"]) == (str(196 * GIB), "64", "4")
    assert condition(node, "Ready")["status"] == "True"
    assert twin.status().is_healthy


@pytest.mark.engine
def test_a_second_up_changes_nothing(twin: Twin, capsys: pytest.CaptureFixture[str]) -> None:
    before, config = twin.status(), twin.kubeconfig.read_bytes()
    assert twin.up(NODE) == twin.kubeconfig
    assert twin.status() == before
    assert twin.kubeconfig.read_bytes() == config
    assert capsys.readouterr().err == ""


@pytest.mark.engine
def test_the_node_can_change_without_a_restart(twin: Twin) -> None:
    before = twin.status().processes
    twin.up(replace(NODE, name="small", memory=8 * GIB, gpus=0, storage_class="other"))
    assert api(twin).get("/api/v1/nodes/forge") is None
    node = api(twin).get("/api/v1/nodes/small")
    assert node
    assert node["status"]["allocatable"]["memory"] == str(8 * GIB)
    assert "nvidia.com/gpu" not in node["status"]["allocatable"]
    classes = api(twin).get("/apis/storage.k8s.io/v1/storageclasses")
    assert classes
    assert [item["metadata"]["name"] for item in classes["items"]] == ["other"]
    twin.up(NODE)
    assert twin.status().processes == before


@pytest.mark.engine
def test_a_node_that_cannot_be_is_refused_and_the_old_one_stays(twin: Twin) -> None:
    with pytest.raises(
        ControlPlaneError, match=r"refused /api/v1/nodes/forge/status: .*must be greater than or equal to 0"
    ):
        twin.up(replace(NODE, memory=-1))
    assert twin.status().node == NODE
    twin.up(NODE)
    assert twin.status().is_healthy


@pytest.mark.engine
def test_a_claim_binds_with_its_first_pod_and_goes_with_its_volume(twin: Twin) -> None:
    cluster, space = api(twin), "/api/v1/namespaces/default"

    def volumes() -> list[Any]:
        listed = cluster.get("/api/v1/persistentvolumes")
        return list(listed["items"]) if listed else []

    cluster.apply(f"{space}/persistentvolumeclaims/data", claim("data"))
    assert not volumes(), "bound before there was a consumer"
    limits = {"memory": "8Gi", "cpu": "1", "nvidia.com/gpu": "1"}
    cluster.apply(f"{space}/pods/user", pod("user", limits, claim="data"))
    ready = wait(lambda: (user := cluster.get(f"{space}/pods/user")) and condition(user, "Ready") and user)
    assert ready["spec"]["nodeName"] == "forge"
    assert ready["status"]["podIP"].startswith("10.42.")
    assert [volume["status"]["phase"] for volume in volumes()] == ["Bound"]
    assert not Path(volumes()[0]["spec"]["hostPath"]["path"]).exists()
    cluster.delete(f"{space}/pods/user")
    cluster.delete(f"{space}/persistentvolumeclaims/data")
    assert wait(lambda: not volumes())


@pytest.mark.engine
@pytest.mark.parametrize(
    ("name", "limits"), [("memory", {"memory": "197Gi"}), ("nvidia.com-gpu", {"nvidia.com/gpu": "5"})]
)
def test_a_pod_that_does_not_fit_stays_pending_with_the_reason(twin: Twin, name: str, limits: dict[str, str]) -> None:
    path = f"/api/v1/namespaces/default/pods/{name}"
    api(twin).apply(path, pod(name, limits))
    pending = wait(lambda: (large := api(twin).get(path)) and condition(large, "PodScheduled") and large)
    assert pending["status"]["phase"] == "Pending"
    assert f"Insufficient {name.replace('-', '/')}" in condition(pending, "PodScheduled")["message"]
    api(twin).delete(path)


@pytest.mark.engine
def test_only_its_owner_can_read_its_files(twin: Twin) -> None:
    assert stat.S_IMODE(twin.folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in twin.folder.iterdir() if path.is_file()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert {"kubeconfig", "tokens.csv", "tls.key", "service-account.key", "twin.json"} <= modes.keys()


@pytest.mark.engine
def test_only_the_api_server_listens_and_only_on_loopback(twin: Twin) -> None:
    listening = [
        (name, connection.laddr.ip)
        for name, pid in twin.status().processes.items()
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status in {psutil.CONN_LISTEN, psutil.CONN_NONE}
    ]
    assert listening == [("kube-apiserver", "127.0.0.1")]
    sockets = Path("/proc/net/unix").read_text()
    assert "@" not in {line.split()[-1][0] for line in sockets.splitlines() if str(twin.folder) in line}
    assert {"client", "peer"} <= {path.name for path in twin.folder.iterdir() if path.is_socket()}


@pytest.mark.engine
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guessed"}])
def test_a_request_without_a_valid_token_is_refused(twin: Twin, headers: dict[str, str]) -> None:
    server = HTTPSConnection("127.0.0.1", api(twin).port, context=strict(twin), timeout=10)
    server.request("GET", "/api/v1/nodes", headers=headers)
    assert server.getresponse().status == 401
    server.close()


@pytest.mark.engine
def test_two_twins_live_side_by_side_and_an_orphan_is_swept(twin: Twin, state: Path) -> None:
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as owner, another(state, "b", owner.pid) as other:
        assert other.status().is_healthy
        assert twin.status().is_healthy
        tokens = [credentials(folder).token(user) for folder in (twin.folder, other.folder) for user in USERS]
        assert len(set(tokens)) == 2 * len(USERS)
        assert Twin.sweep(state) == ()
        owner.kill()
        owner.wait()
        pids = other.status().processes.values()
        assert Twin.sweep(state) == (other.name,)
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert not other.folder.exists()
        assert leftovers(other) == []
    assert twin.status().is_healthy


@pytest.mark.engine
def test_a_dead_api_server_is_repaired_with_nothing_lost(twin: Twin) -> None:
    spaces = "/api/v1/namespaces"
    api(twin).apply(f"{spaces}/kept", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}})
    before, config = twin.status(), twin.kubeconfig.read_text()
    os.kill(before.processes["kube-apiserver"], signal.SIGKILL)
    assert wait(lambda: "kube-apiserver" not in twin.status().running)
    twin.up(NODE)
    assert twin.status().is_healthy
    assert api(twin).get(f"{spaces}/kept")
    assert twin.kubeconfig.read_text() == config
    assert not any(psutil.pid_exists(pid) for pid in before.processes.values())


@pytest.mark.engine
def test_a_taken_port_is_replaced(twin: Twin) -> None:
    taken = api(twin).port
    os.kill(twin.status().processes["kube-apiserver"], signal.SIGKILL)
    assert wait(lambda: "kube-apiserver" not in twin.status().running)
    with socket.socket() as other_program:
        other_program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections may linger there
        other_program.bind(("127.0.0.1", taken))
        other_program.listen()
        twin.up(NODE)
    assert twin.status().is_healthy
    assert api(twin).port != taken
    assert str(api(twin).port) in twin.kubeconfig.read_text()


@pytest.mark.engine
def test_down_leaves_no_process_and_no_file(twin: Twin, tmp_path: Path) -> None:
    with another(tmp_path, "c", os.getpid()) as other:
        pids = other.status().processes.values()
        assert len(pids) == 5
        assert leftovers(other)
        other.down()
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert leftovers(other) == []
        assert list(tmp_path.iterdir()) == []
        assert other.status().node is None
        other.down()
    assert twin.status().is_healthy


@pytest.mark.engine
@pytest.mark.usefixtures("twin")
def test_a_failed_start_names_the_process_and_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bin" / "etcd"
    broken.parent.mkdir()
    broken.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo etcd Version: 3.6.4 && exit\necho the disk is full\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    twin = Twin("broken", tmp_path / "state", owner_pid=os.getpid())
    with pytest.raises(TwinError, match="etcd ended while the twin started") as error:
        twin.up(NODE)
    assert "the disk is full" in str(error.value)
    assert str(twin.folder / "etcd.log") in str(error.value)
    assert leftovers(twin) == []
    assert twin.status().processes == {}
    twin.down()
    assert not twin.folder.exists()


def test_a_machine_without_the_programs_gets_a_message_and_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # a port that refuses connections
    with pytest.raises(ToolchainError, match="Go to build it with is missing"):
        Twin("none", tmp_path / "state").up(NODE)
    assert not (tmp_path / "state" / "twins").exists()
