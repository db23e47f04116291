"""Images that are imported into a node: its pods run them by digest, and old ones go."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import k3s_command
from tests.cluster.conftest import Space, eventually
from tools.cluster import Cluster
from tools.cluster.packages import programs
from tools.images import archive
from tools.images.build import BuiltImage
from tools.images.builder import Build, Buildah
from tools.images.k3s import PINNED, ImageStore, parse
from tools.offline import debian

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="Buildah mounts on its own only as root: run the tests as root"
)
NAME = "localhost/synapse-tiny"
DOCKERFILE = 'FROM scratch\nCOPY busybox /bin/\nCOPY version /\nCMD ["/bin/busybox", "cat", "/version"]\n'
BuildFunction = Callable[[int], BuiltImage]


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    monkeypatch.setenv("PATH", str(k3s_command.install(cluster, tmp_path / "bin")), prepend=os.pathsep)
    return ImageStore()


@pytest.fixture
def build(tmp_path: Path) -> BuildFunction:
    """Return a function that builds a version of a tiny image."""
    builder, context = Buildah(str(debian.program("buildah")), tmp_path / "store"), tmp_path / "context"
    context.mkdir()
    (context / "busybox").write_bytes(programs().program("busybox").read_bytes())
    (context / "busybox").chmod(0o755)
    (context / "Dockerfile").write_text(DOCKERFILE)

    def build(version: int) -> BuiltImage:
        (context / "version").write_text(f"version {version}")
        saved, sealed, tagged = tmp_path / "saved.tar", tmp_path / f"{version}.tar", f"{NAME}:{version}"
        builder.build(Build(context=context, name=tagged), tmp_path / "log")
        builder.save(tagged, saved, tmp_path / "log")
        reference = archive.seal(saved, tagged, sealed)
        saved.unlink()
        return BuiltImage(reference=reference, archive=sealed)

    return build


def digests(store: ImageStore) -> list[str]:
    """Return the digests of the tiny images, from the oldest to the newest."""
    own = [each for each in parse(store.run("images", "ls")) if any(name.startswith(NAME) for name in each.names)]
    return [image.digest for image in sorted(own, key=lambda each: each.imported)]


def test_pods_run_an_imported_image_by_its_digest(store: ImageStore, build: BuildFunction, space: Space) -> None:
    """A pull would fail: there is no registry, and the kubelet asks for none where the image is there."""
    images = [build(version) for version in range(5)]
    store.add(images[0].archive, images[0].reference)
    container = {"name": "it", "image": images[0].reference, "imagePullPolicy": "IfNotPresent"}
    assert space.output("tiny", "", containers=[container]) == "version 0"
    for image in images[1:]:
        store.add(image.archive, image.reference)

    added = [image.reference.partition("@")[2] for image in images]
    assert digests(store) == [added[0], *added[2:]]  # the newest three, and the one of the pod's container
    pinned = [line for line in store.run("images", "ls").splitlines() if "=".join(PINNED) in line]
    assert {line.split()[2] for line in pinned} >= set(added[2:])

    space.core.delete_namespaced_pod("tiny", space.name, grace_period_seconds=0)
    eventually(lambda: not _prunable(store, added[0]), "the image of the removed container stays")
    assert digests(store) == added[2:]


def _prunable(store: ImageStore, digest: str) -> bool:
    store.prune(NAME)
    return digest in store.run("images", "ls")


def test_an_image_that_is_there_is_not_imported_again(
    store: ImageStore, build: BuildFunction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = build(7)
    store.add(image.archive, image.reference)
    assert "importing" in capsys.readouterr().err
    image.archive.unlink()
    store.add(image.archive, image.reference)
    assert capsys.readouterr().err == ""
