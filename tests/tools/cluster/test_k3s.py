"""K3s in the place of Kubernetes' own programs: found, fetched where that is wished, and what it is told."""

import hashlib
import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.fakes import ReleaseServer, release_server, script
from tools.cluster import k3s_release
from tools.cluster.configs import ReservedResources
from tools.cluster.distribution import Distribution, choose_distribution
from tools.cluster.k3s import K3s
from tools.cluster.upstream import Upstream
from tools.errors import ChecksumError, ToolchainError
from tools.images.scratch import ScratchImage

PROGRAM = b"#!/bin/sh\necho k3s version v1.35.6+k3s1\n"
HERE = platform.machine()


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder on PATH, of a machine without K3s, whose caches are empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SYNAPSE_K3S", raising=False)
    return folder


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    """Where K3s is published, with its checksum pinned; and the wish to have it fetched."""
    monkeypatch.setenv("SYNAPSE_K3S", "fetch")
    with release_server() as shop:
        shop.files["/k3s"] = PROGRAM
        known = {HERE: hashlib.sha256(PROGRAM).hexdigest()}
        changed = replace(k3s_release.PUBLISHED.release, url=f"{shop.url}/k3s", checksum=known)
        monkeypatch.setattr(k3s_release, "PUBLISHED", replace(k3s_release.PUBLISHED, release=changed))
        yield shop


def made_of() -> Distribution:
    return choose_distribution("it", "/synapse-it", ReservedResources(memory=0, cpu=0))


def test_without_it_the_node_is_made_of_kubernetes_own_programs(tmp_path: Path) -> None:
    assert isinstance(made_of(), Upstream)
    assert not (tmp_path / "cache").exists()


def test_it_is_preferred_where_it_is(tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(bin_folder / "k3s", "#!/bin/sh\n")
    node = made_of()
    assert isinstance(node, K3s)
    monkeypatch.setattr(K3s, "images", {"pause": ScratchImage(name="synapse.local/pause", programs={})})
    (component,) = node.components()
    assert component.command[:2] == (str(bin_folder / "k3s"), "server")
    assert {"--flannel-backend=none", "--node-name=it", "--kubelet-arg=cgroup-root=/synapse-it"} <= {*component.command}
    assert node.authority(tmp_path) == tmp_path / "k3s/server/tls/server-ca.crt"


def test_it_is_fetched_once_where_that_is_wished(publisher: ReleaseServer) -> None:
    first, second = made_of(), made_of()
    assert isinstance(first, K3s)
    assert isinstance(second, K3s)
    assert first.program == second.program
    assert first.program.read_bytes() == PROGRAM
    assert os.access(first.program, os.X_OK)
    assert publisher.asked == ["/k3s"]


def test_one_on_path_is_not_fetched_again(publisher: ReleaseServer, bin_folder: Path) -> None:
    script(bin_folder / "k3s", "#!/bin/sh\n")
    found = made_of()
    assert isinstance(found, K3s)
    assert found.program == bin_folder / "k3s"
    assert publisher.asked == []


def test_another_release_than_the_pinned_is_refused(tmp_path: Path, publisher: ReleaseServer) -> None:
    publisher.files["/k3s"] = b"#!/bin/sh\necho something else\n"
    with pytest.raises(ChecksumError, match=r"is not k3s 1\.35\.6"):
        made_of()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_one_that_cannot_be_had_says_what_to_do(publisher: ReleaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher.files.clear()
    with pytest.raises(ToolchainError, match=r"could not be fetched .*: install it .* or leave SYNAPSE_K3S out"):
        made_of()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ToolchainError, match="no checksum of it is pinned for Linux on aarch64"):
        made_of()


def test_an_unknown_wish_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_K3S", "yes")
    with pytest.raises(ToolchainError, match="SYNAPSE_K3S is 'yes': leave it out, or set it to 'fetch'"):
        made_of()


def test_the_pin_is_whole() -> None:
    published = k3s_release.PUBLISHED.release
    assert "v1.35.6%2Bk3s1" in published.url
    assert published.checksum.keys() <= published.arch.keys()
    assert {len(known) for known in published.checksum.values()} == {64}
