"""Parts of a cluster that need no running cluster: specification, images, forwards, checks of the machine."""

import json
import os
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml
from typer.testing import CliRunner

from cli.cluster import app
from tools.cluster import Cluster, ClusterStatus, Forward, Size, configs, manifests
from tools.cluster.configs import EVICTION_BYTES, ReservedResources
from tools.cluster.credentials import KUBELET, credentials
from tools.cluster.node import listen
from tools.cluster.packages import NodePrograms
from tools.cluster.record import ClusterRecord, load
from tools.cluster.upstream_kubernetes import UpstreamKubernetes
from tools.control_plane.credentials import ADMIN
from tools.control_plane.processes import Process
from tools.errors import ClusterError, ToolchainError
from tools.images import scratch
from tools.images.scratch import ScratchImage
from tools.locks import exclusive
from tools.node import layout, supervisor
from tools.node.spec import NodeComponent, NodeSpec

GIB = 1 << 30
NONE = ReservedResources(memory=0, cpu=0)


def image(program: Path, **changes: str) -> ScratchImage:
    return ScratchImage(name="synapse.local/it", programs={"/usr/bin/it": program}, texts=changes)


def test_an_image_is_the_same_bytes_for_the_same_files(tmp_path: Path) -> None:
    program = tmp_path / "it"
    program.write_bytes(b"one")
    made = image(program)
    made.write(tmp_path / "a.tar")
    os.utime(program, (1, 1))
    image(program).write(tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
        assert manifest["RepoTags"] == [made.reference]
        config = json.load(tar.extractfile(manifest["Config"]) or pytest.fail("no configuration"))
    assert config["config"]["User"] == "65532:65532"


def test_two_processes_can_write_an_image_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, target, add = tmp_path / "it", tmp_path / "twice.tar", scratch._add
    program.write_bytes(b"one")
    made = image(program)

    def add_while_another_writes(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
        if path == "manifest.json":
            monkeypatch.setattr(scratch, "_add", add)
            made.write(target)  # as another process would
        add(tar, path, content, mode)

    monkeypatch.setattr(scratch, "_add", add_while_another_writes)
    made.write(target)
    made.write(tmp_path / "once.tar")
    assert target.read_bytes() == (tmp_path / "once.tar").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"it", "twice.tar", "once.tar"}


def test_the_tag_of_an_image_is_a_digest_of_its_content(tmp_path: Path) -> None:
    program = tmp_path / "it"
    program.write_bytes(b"one")
    references = {image(program).reference, image(program, **{"/etc/it": "a"}).reference}
    references.add(replace(image(program), links={"/bin/it": "/usr/bin/it"}).reference)
    program.write_bytes(b"two")
    references.add(image(program).reference)
    assert len(references) == 4


def test_a_record_is_read_as_it_was_saved(tmp_path: Path) -> None:
    process = Process.of(os.getpid())
    forwards = (Forward("gateway", "gateway.ns.svc", 8000),)
    record = ClusterRecord(
        size=Size(memory=GIB, cpu=500), forwards=forwards, ports={"gateway": 1}, node=process, owner=process
    )
    record.save(tmp_path)
    assert load(tmp_path) == record
    assert (tmp_path / "cluster.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", '{"size": {"mem', '{"size": 1}', "[]"])
def test_a_record_that_cannot_be_read_is_made_anew_from_what_runs(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cluster.json").write_text(text)
    (tmp_path / "volumes").mkdir()
    made = credentials(tmp_path, tmp_path.name)
    made.ensure()
    made.write_kubeconfigs({ADMIN: "127.0.0.1:4711"})
    with subprocess.Popen(["/usr/bin/unshare", "600"], executable="/bin/sleep", cwd=tmp_path) as running:
        try:
            assert load(tmp_path) == ClusterRecord(node=Process.of(running.pid), ports={"api": 4711})
        finally:
            running.kill()
    message = capsys.readouterr().err
    assert f"{tmp_path}/cluster.json: cannot be read; made anew" in message
    assert "remove" not in message
    assert load(tmp_path) == ClusterRecord(ports={"api": 4711})


def test_a_cluster_whose_record_was_cut_off_keeps_its_data(tmp_path: Path) -> None:
    cluster = Cluster("it", tmp_path)
    (cluster.folder / "volumes").mkdir(parents=True)
    (cluster.folder / "cluster.json").touch()
    assert not cluster.status().is_healthy
    cluster.down()
    assert Cluster.sweep(tmp_path) == ()
    assert (cluster.folder / "volumes").exists()


def test_a_node_spec_is_read_as_it_was_written(tmp_path: Path) -> None:
    spec = NodeSpec(
        name="it",
        folder="/somewhere",
        cgroup="/synapse-it",
        environment={"PATH": "/bin"},
        components=(NodeComponent(name="one", command=("/bin/true",), needs=("socket", "127.0.0.1:1")),),
        files={"/etc/it": "text"},
        links={"/bin/it": "/bin/true"},
    )
    spec.write(tmp_path / "node.json")
    assert NodeSpec.read(tmp_path / "node.json") == spec


def test_pods_get_what_is_not_reserved(tmp_path: Path) -> None:
    config = yaml.safe_load(configs.kubelet("/synapse-it", ReservedResources(memory=GIB, cpu=250)))
    assert config["systemReserved"] == {"memory": str(GIB), "cpu": "250m"}
    assert config["evictionHard"]["memory.available"] == str(EVICTION_BYTES)
    assert config["authentication"]["anonymous"] == {"enabled": False}


def test_more_than_the_machine_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.cluster.privileges.check", lambda: None)
    too_much = Size(memory=psutil.virtual_memory().total, cpu=1)
    with pytest.raises(ClusterError, match=r"this machine has .* for them: plan for a smaller node"):
        Cluster("it", tmp_path).up(size=too_much)


@pytest.mark.parametrize("name", ["", "../x", "Local", "a/b", "x" * 42])
def test_a_name_that_could_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="a cluster's name"):
        Cluster(name)


def test_an_error_for_an_unknown_forward_or_log_lists_the_existing_ones(tmp_path: Path) -> None:
    cluster = Cluster("it", tmp_path)
    (cluster.folder / "logs").mkdir(parents=True)
    (cluster.folder / "logs/etcd.log").write_text("line\n")
    ClusterRecord(ports={"api": 1}).save(cluster.folder)
    with pytest.raises(ClusterError, match="no forward 'gateway'; it has: api"):
        cluster.address("gateway")
    with pytest.raises(ClusterError, match="no log of 'kubelet'; it has: etcd"):
        cluster.log("kubelet")
    with pytest.raises(ClusterError, match="does not run"):
        cluster.import_image(tmp_path / "image.tar")


def test_every_secret_of_a_cluster_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    made = credentials(tmp_path, "it")
    made.ensure()
    made.write_kubeconfigs({KUBELET: "10.42.0.1:6443"})
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert not (tmp_path / "ca.key").exists()
    before = made.tokens.read_text()
    made.ensure()
    assert made.tokens.read_text() == before


def test_every_first_object_has_its_own_path() -> None:
    shell = ScratchImage(name="synapse.local/it", programs={})
    objects = manifests.objects(dict.fromkeys(("coredns", "local-path-provisioner", "busybox"), shell))
    assert "/apis/storage.k8s.io/v1/storageclasses/local-path" in objects
    assert "/apis/apps/v1/namespaces/kube-system/deployments/coredns" in objects
    assert objects["/api/v1/namespaces/kube-system/services/kube-dns"]["spec"]["clusterIP"] == "10.43.0.10"


@pytest.mark.parametrize(("recovery_s", "started"), [(60, 0), (0, 1)])
def test_a_cluster_that_recovers_is_not_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovery_s: float, started: int
) -> None:
    one, starts = Cluster("it", tmp_path), list[object]()
    unhealthy = ClusterStatus(name="it", kubeconfig=one.kubeconfig, exists=True)
    healthy = replace(unhealthy, components={"k3s": {"pid": 1}}, api_ready=True, node_ready=True, system_ready=True)
    states = iter([unhealthy, unhealthy, healthy])
    monkeypatch.setattr("tools.cluster.cluster.RECOVERY_S", recovery_s)
    monkeypatch.setattr("tools.cluster.privileges.check", lambda: None)
    results = {"_distribution": None, "_spec": None, "_runs_as": True, "_mend_kubeconfig": None}
    for name, result in results.items():
        monkeypatch.setattr(one, name, lambda *_, result=result: result)
    monkeypatch.setattr(one, "_status", lambda _: next(states))
    monkeypatch.setattr(one, "_start", lambda *arguments: starts.append(arguments))
    one.up()
    assert len(starts) == started


def test_clusters_of_the_same_name_in_two_state_folders_are_separate(tmp_path: Path) -> None:
    ones = [Cluster("it", tmp_path / state) for state in ("a", "b", "a")]
    assert len({cluster.cgroup for cluster in ones}) == len({cluster.folder for cluster in ones}) == 2


def test_a_cluster_in_its_start_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its first record it has no owner; `sweep` waits for the lock and checks again."""
    folder, lines = tmp_path / "clusters/new", list[str]()
    monkeypatch.setattr("tools.cluster.cluster.say", lines.append)  # capfd loses lines of other threads
    with ThreadPoolExecutor(1) as pool:
        with exclusive(folder, lambda: None):
            swept = pool.submit(Cluster.sweep, tmp_path)
            while not lines:
                assert not swept.done()
                time.sleep(0.01)
            ClusterRecord(owner=Process.of(os.getpid())).save(folder)
        assert swept.result() == ()
    assert ["another process is changing it" in line for line in lines] == [True]
    assert folder.exists()


@pytest.mark.parametrize("record", [None, ClusterRecord(owner=replace(Process.of(os.getpid()), started=0))])
def test_a_cluster_without_a_running_owner_is_swept(tmp_path: Path, record: ClusterRecord | None) -> None:
    old, owned = tmp_path / "clusters/old", tmp_path / "clusters/owned"
    for folder in (old, owned):
        folder.mkdir(parents=True)
    ClusterRecord(owner=Process.of(os.getpid())).save(owned)
    if record:
        record.save(old)
    assert Cluster.sweep(tmp_path) == ("old",)
    assert [*owned.parent.iterdir()] == [owned]


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="a cluster needs no-such-program"):
        NodePrograms(tmp_path).program("no-such-program")


def test_a_component_waits_for_its_needs_and_longer_after_each_end(tmp_path: Path) -> None:
    with listen(0) as listener:
        need = f"127.0.0.1:{listener.getsockname()[1]}"
        item = supervisor.SupervisedComponent(NodeComponent(name="it", command=("/bin/true",), needs=(need,)))
        assert item.is_due({})
    assert not item.is_due({})
    item.pid, item.started = 1, item.due
    item.wait = supervisor.LONGEST_WAIT_S
    item.ended()
    assert item.wait == supervisor.FIRST_WAIT_S  # the machine has been up for longer than SETTLED_S
    item.pid, item.started = 1, float("inf")
    item.ended()
    assert item.wait == 2 * supervisor.FIRST_WAIT_S
    assert item.is_waiting()


def test_the_network_policies_start_after_the_rules_of_the_services(tmp_path: Path) -> None:
    """kube-router rewrites a table of rules; kube-proxy does not repeat an attempt that this breaks."""
    (router,) = [each for each in UpstreamKubernetes("it", "/it", NONE).components() if each.name == "kube-router"]
    assert router.needs == (layout.SERVICE_RULES,)
    program = tmp_path / "iptables"
    program.write_text('#!/bin/sh\necho "$@" >> "$0.calls"\ntest -e "$0.rules"\n')
    program.chmod(0o755)
    item = supervisor.SupervisedComponent(router)
    assert not item.is_due({"PATH": f"{tmp_path}:/bin"})
    (tmp_path / "iptables.rules").touch()
    assert item.is_due({"PATH": f"{tmp_path}:/bin"})
    assert (tmp_path / "iptables.calls").read_text().splitlines() == 2 * ["-w 5 -t nat -S KUBE-MARK-MASQ"]
    assert not item.is_due({"PATH": "nowhere"})  # the node does not end


def test_an_existing_cluster_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    environment = {"SYNAPSE_KUBECONFIG": str(kubeconfig)}
    reached: list[Path] = []
    monkeypatch.setattr("cli.cluster.check_reachable", lambda path, _: reached.append(path))
    assert CliRunner().invoke(app, ["up"], env=environment).stdout.strip() == str(kubeconfig)
    assert reached == [kubeconfig]
    assert CliRunner().invoke(app, ["down"], env=environment).exit_code == 0
