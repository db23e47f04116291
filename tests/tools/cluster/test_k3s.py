"""K3s instead of Kubernetes' own programs: on PATH or downloaded, and its arguments."""

import hashlib
import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.fakes import ReleaseServer, release_server, write_program
from tools.cluster import k3s_release
from tools.cluster.configs import ReservedResources
from tools.cluster.distribution import Distribution, choose_distribution
from tools.cluster.k3s import K3s
from tools.cluster.upstream_kubernetes import UpstreamKubernetes
from tools.errors import ChecksumError, ToolchainError
from tools.images.scratch import ScratchImage

PROGRAM = b"#!/bin/sh\necho k3s version v1.35.6+k3s1\n"
HERE = platform.machine()


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """First folder on PATH; the machine has no K3s and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SYNAPSE_K3S", raising=False)
    return folder


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    """A server with K3s' release, its checksum pinned, and SYNAPSE_K3S=fetch."""
    monkeypatch.setenv("SYNAPSE_K3S", "fetch")
    with release_server() as server:
        server.files["/k3s"] = PROGRAM
        checksum = {HERE: hashlib.sha256(PROGRAM).hexdigest()}
        changed = replace(k3s_release.PUBLISHED.release, url=f"{server.url}/k3s", checksum=checksum)
        monkeypatch.setattr(k3s_release, "PUBLISHED", replace(k3s_release.PUBLISHED, release=changed))
        yield server


def chosen() -> Distribution:
    return choose_distribution("it", "/synapse-it", ReservedResources(memory=0, cpu=0))


def test_without_it_the_node_is_made_of_kubernetes_own_programs(tmp_path: Path) -> None:
    assert isinstance(chosen(), UpstreamKubernetes)
    assert not (tmp_path / "cache").exists()


def test_it_is_preferred_where_it_is_installed(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(bin_folder / "k3s", "#!/bin/sh\n")
    node = chosen()
    assert isinstance(node, K3s)
    monkeypatch.setattr(K3s, "images", {"pause": ScratchImage(name="synapse.local/pause", programs={})})
    (component,) = node.components()
    assert component.command[:2] == (str(bin_folder / "k3s"), "server")
    assert {"--flannel-backend=none", "--node-name=it", "--kubelet-arg=cgroup-root=/synapse-it"} <= {*component.command}
    assert node.authority(tmp_path) == tmp_path / "k3s/server/tls/server-ca.crt"


def test_it_is_downloaded_once_where_that_is_set(releases: ReleaseServer) -> None:
    first, second = chosen(), chosen()
    assert isinstance(first, K3s)
    assert isinstance(second, K3s)
    assert first.program == second.program
    assert first.program.read_bytes() == PROGRAM
    assert os.access(first.program, os.X_OK)
    assert releases.requests == ["/k3s"]


def test_one_on_path_is_not_downloaded(releases: ReleaseServer, bin_folder: Path) -> None:
    write_program(bin_folder / "k3s", "#!/bin/sh\n")
    node = chosen()
    assert isinstance(node, K3s)
    assert node.program == bin_folder / "k3s"
    assert releases.requests == []


def test_another_release_than_the_pinned_is_refused(tmp_path: Path, releases: ReleaseServer) -> None:
    releases.files["/k3s"] = b"#!/bin/sh\necho something else\n"
    with pytest.raises(ChecksumError, match=r"is not k3s 1\.35\.6"):
        chosen()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_failed_download_says_what_to_do(releases: ReleaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    releases.files.clear()
    with pytest.raises(ToolchainError, match=r"could not be downloaded .*: install it .* or leave SYNAPSE_K3S out"):
        chosen()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ToolchainError, match="no checksum of it is pinned for Linux on aarch64"):
        chosen()


def test_an_unknown_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_K3S", "yes")
    with pytest.raises(ToolchainError, match="SYNAPSE_K3S is 'yes': leave it out, or set it to 'fetch'"):
        chosen()


def test_the_pin_is_complete() -> None:
    published = k3s_release.PUBLISHED.release
    assert "v1.35.6%2Bk3s1" in published.url
    assert published.checksum.keys() <= published.arch.keys()
    assert {len(checksum) for checksum in published.checksum.values()} == {64}
