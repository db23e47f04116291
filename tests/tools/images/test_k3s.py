"""K3s' image store: its command, what it lists, and which images are removed."""

import json
import socket
import sys
from pathlib import Path

import pytest

from tools.errors import ImageError
from tools.images import k3s
from tools.images.k3s import IMPORTED, ImageStore, StoredImage, parse, superfluous

NAME = "localhost/synapse-thing"
DIGESTS = [f"sha256:{letter * 64}" for letter in "abcde"]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LISTING = f"""\
REF TYPE DIGEST SIZE PLATFORMS LABELS
docker.io/library/redis:8 application/vnd.oci.image.index.v1+json {DIGESTS[4]} 9.6 MiB linux/amd64 -
{NAME}:1 {MANIFEST} {DIGESTS[0]} 87.3 MiB linux/amd64 {IMPORTED}=7
{NAME}@{DIGESTS[0]} {MANIFEST} {DIGESTS[0]}  87.3MiB  linux/amd64 a=b,{IMPORTED}=9
sha256:{"f" * 64} {MANIFEST} {DIGESTS[0]}  87.3 MiB linux/amd64 x=managed
"""
FAKE = f"""#!{sys.executable}
import json, sys
with open({{calls!r}}, "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + chr(10))
sys.exit({{code}})
"""


def stored(number: int, *more: str) -> StoredImage:
    return StoredImage(digest=DIGESTS[number], names=(f"{NAME}:{number}", *more), imported=number)


def install(folder: Path, name: str, code: str) -> Path:
    """Write a program that ends with the exit code of the expression *code*; return its file of calls."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(FAKE.format(calls=str(folder / f"{name}.calls"), code=code))
    (folder / name).chmod(0o755)
    return folder / f"{name}.calls"


def test_a_listing_has_each_image_once_with_all_its_names() -> None:
    assert parse(LISTING) == [
        StoredImage(digest=DIGESTS[4], names=("docker.io/library/redis:8",)),
        StoredImage(digest=DIGESTS[0], names=(f"{NAME}:1", f"{NAME}@{DIGESTS[0]}", f"sha256:{'f' * 64}"), imported=9),
    ]


def test_the_newest_images_stay() -> None:
    assert list(superfluous(map(stored, (1, 3, 0, 2)), NAME, (), 2)) == [f"{NAME}:1", f"{NAME}:0"]


def test_an_image_of_a_container_stays_by_any_of_its_names() -> None:
    images = [stored(0, "sha256:id"), stored(1), stored(2)]
    assert list(superfluous(images, NAME, {"sha256:id"}, 1)) == [f"{NAME}:1"]


def test_images_of_other_names_stay() -> None:
    other = StoredImage(digest=DIGESTS[3], names=(f"{NAME}-more:1", f"{NAME}-more@{DIGESTS[3]}"))
    assert list(superfluous([other, stored(0)], NAME, (), 0)) == [f"{NAME}:0"]


def test_a_removed_image_loses_the_name_that_keeps_its_content() -> None:
    assert list(superfluous(parse(LISTING), NAME, (), 0))[-1] == f"sha256:{'f' * 64}"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(k3s, "FOLDERS", str(tmp_path / "other"))
    return tmp_path / "bin"


def test_a_machine_without_k3s_is_refused(path: Path) -> None:
    with pytest.raises(ImageError, match=f"^{socket.gethostname()} has no program k3s, .*; accepted: the machine that"):
        ImageStore()


@pytest.mark.parametrize("folder", ["bin", "other"])
def test_k3s_is_found_on_path_and_in_the_folders_of_its_installer(path: Path, folder: str) -> None:
    install(path.parent / folder, "k3s", "0")
    assert k3s.find() == (str(path.parent / folder / "k3s"), "ctr")


def test_sudo_is_used_where_k3s_needs_root(path: Path) -> None:
    install(path, "k3s", "1")
    calls = install(path, "sudo", "0")
    store = ImageStore()
    store.run("images", "ls")
    program = str(path / "k3s")
    assert [json.loads(line) for line in calls.read_text().splitlines()] == [
        ["--non-interactive", program, "ctr", "version"],
        ["--non-interactive", program, "ctr", "images", "ls"],
    ]


def test_a_store_that_does_not_answer_has_a_message(path: Path) -> None:
    install(path, "k3s", "'ctr: cannot connect'")
    with pytest.raises(ImageError, match="does not answer: ctr: cannot connect; accepted: K3s is running, and the"):
        ImageStore()


def test_a_refusal_has_the_message_of_containerd(path: Path) -> None:
    install(path, "k3s", "'ctr: no space' if 'images' in sys.argv else 0")
    with pytest.raises(ImageError, match="containerd refused `images ls -q`: ctr: no space"):
        ImageStore().names()
