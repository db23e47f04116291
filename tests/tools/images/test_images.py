"""Images: one build for the same content, and a reference by digest."""

import json
import platform
import re
import tarfile
from pathlib import Path

import pytest

from tests.tools.images import fake_docker
from tests.tools.images.conftest import BASE, calls_of
from tools.cluster import Cluster
from tools.errors import ImageError
from tools.images import archive, content, host, sbom
from tools.images.build import Images
from tools.images.builder import Build, Buildah, Docker, Nerdctl, find
from tools.images.publish import publish

REFERENCE = re.compile(r"localhost/synapse-thing:[0-9a-f]{16}@sha256:[0-9a-f]{64}")


def test_the_digest_depends_on_included_files_only(folder: Path) -> None:
    before = content.digest(folder)
    (folder / "notes").write_text("y")
    (folder / "package/__pycache__/other.pyc").write_text("y")
    (folder / "package/main.py").touch()
    assert content.digest(folder) == before
    assert [str(file) for file in content.files(folder)] == [".dockerignore", "Dockerfile", "package/main.py"]


def test_every_change_of_a_file_changes_the_digest(folder: Path) -> None:
    main = folder / "package/main.py"
    digests = [content.digest(folder), content.digest(folder, BASE)]
    main.write_text("print(2)\n")
    digests.append(content.digest(folder))
    main.chmod(0o755)
    digests.append(content.digest(folder))
    main.rename(folder / "package/other.py")
    digests.append(content.digest(folder))
    (folder / "package/link").symlink_to("other.py")
    digests.append(content.digest(folder))
    assert len(set(digests)) == len(digests)


def test_the_copied_files_are_those_of_the_digest(folder: Path, tmp_path: Path) -> None:
    content.copy(folder, tmp_path / "copy")
    assert content.digest(tmp_path / "copy") == content.digest(folder)
    assert not (tmp_path / "copy/notes").exists()


def test_a_folder_without_a_dockerfile_or_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"has no Dockerfile; accepted: a folder"):
        content.digest(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(ImageError, match=r"names no base; accepted: a line ARG BASE="):
        content.base(tmp_path)


def test_an_image_is_built_once_for_the_same_content(folder: Path, images: Images, calls: Path) -> None:
    first, second = images.build(folder), images.build(folder)
    assert first == second
    assert REFERENCE.fullmatch(first.reference)
    (build,) = calls_of(calls, "build")
    assert f"--build-arg=BASE={BASE}" in build
    (folder / "package/main.py").write_text("print(2)\n")
    assert images.build(folder).reference != first.reference
    assert len(calls_of(calls, "build")) == 2


def test_the_archive_has_both_names_that_a_runtime_looks_for(folder: Path, images: Images) -> None:
    built = images.build(folder)
    with tarfile.open(built.archive) as tar:
        index = json.load(tar.extractfile("index.json") or pytest.fail("no index"))
    name, _, digest = built.reference.partition("@")
    names = {name, f"{name.rpartition(':')[0]}@{digest}"}
    assert {one["annotations"]["io.containerd.image.name"] for one in index["manifests"]} == names
    assert {one["digest"] for one in index["manifests"]} == {digest}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("FAIL", r"failed; the whole log is .*\nstep 3 of 7: no such package"),
        ("TWO", r"built with 2 manifests; accepted: the image of one platform"),
        ("EMPTY", r"built with 0 manifests"),
        ("OLD", r"saved without an index; accepted: OCI's layout, as Docker 25"),
    ],
)
def test_a_failed_build_has_a_message_and_leaves_no_archive(
    folder: Path, images: Images, word: str, message: str
) -> None:
    (folder / "Dockerfile").write_text(f"ARG BASE={BASE}\nLABEL {word}=1\n")
    with pytest.raises(ImageError, match=message):
        images.build(folder)
    assert images.kept() == []
    assert list((images.cache / "archives").glob(".*")) == [] or word == "FAIL"


def test_it_is_pushed_under_the_name_of_the_registry(folder: Path, images: Images, calls: Path) -> None:
    reference = publish(images, folder, registry="registry.example/team/")
    assert re.fullmatch(r"registry\.example/team/synapse-thing:[0-9a-f]{16}@sha256:[0-9a-f]{64}", reference)
    assert calls_of(calls, "push") == [["push", reference.partition("@")[0]]]
    publish(images, folder, registry="registry.example/team")
    assert len(calls_of(calls, "build")) == 1


def test_it_is_written_to_a_file(folder: Path, images: Images, tmp_path: Path) -> None:
    reference = publish(images, folder, archive=str(tmp_path / "image.tar"))
    assert archive.reference(tmp_path / "image.tar", reference.partition("@")[0]) == reference
    with pytest.raises(ImageError, match=r"nowhere/image\.tar: cannot be written: No such file"):
        publish(images, folder, archive=str(tmp_path / "nowhere/image.tar"))


def test_it_has_one_destination_at_most(folder: Path, images: Images) -> None:
    with pytest.raises(ImageError, match="got --cluster, --archive; accepted: one of --cluster, --registry, --node"):
        publish(images, folder, cluster="a", archive="b")
    assert images.kept() == []


def test_without_a_destination_it_stays_here(folder: Path, images: Images) -> None:
    reference = publish(images, folder, cluster=None)
    assert [archive.reference(file, reference.partition("@")[0]) for file in images.kept()] == [reference]


def test_old_images_are_removed(folder: Path, images: Images) -> None:
    first = images.build(folder)
    (folder / "package/main.py").write_text("print(2)\n")
    second = images.build(folder)
    assert images.prune(keep=1) == [first.archive]
    assert images.kept() == [second.archive]


def test_a_build_keeps_the_previous_image_and_no_older_one(folder: Path, images: Images) -> None:
    for number in range(4):
        (folder / "package/main.py").write_text(f"print({number})\n")
        last = images.build(folder)
    assert len(images.kept()) == 2
    assert images.kept()[0] == last.archive


def test_syft_lists_the_content_of_an_image_where_it_is_installed(folder: Path, images: Images, tmp_path: Path) -> None:
    assert not sbom.file(images.build(folder).archive).exists()
    program = tmp_path / "bin/syft"
    program.write_text('#!/bin/sh\necho "$2" > "${4#spdx-json=}"\n')
    program.chmod(0o755)
    (folder / "package/main.py").write_text("print(2)\n")
    archive = images.build(folder).archive
    assert sbom.file(archive).read_text().strip() == f"oci-archive:{archive}"
    images.prune(keep=0)
    assert not sbom.file(archive).exists()


def test_a_failure_of_syft_has_a_message(folder: Path, images: Images, tmp_path: Path) -> None:
    program = tmp_path / "bin/syft"
    program.write_text("#!/bin/sh\necho no space left\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ImageError, match=r"listing synapse-thing-.* failed; .*\nno space left"):
        images.build(folder)


@pytest.mark.parametrize("has", [True, False])
def test_an_image_is_imported_once(*, folder: Path, images: Images, monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    imported: list[Path] = []
    monkeypatch.setattr(Cluster, "has_image", lambda _, reference: REFERENCE.fullmatch(reference) and has)
    monkeypatch.setattr(Cluster, "import_image", lambda _, archive: imported.append(archive))
    publish(images, folder, cluster="local")
    assert imported == ([] if has else images.kept())


def test_old_intermediate_images_are_removed(tmp_path: Path) -> None:
    calls, program = tmp_path / "calls", tmp_path / "buildah"
    program.write_text(f'#!/bin/sh\necho "$*" >> {calls}\ncase "$*" in *images*) echo old 100; echo new 300;; esac\n')
    program.chmod(0o755)
    Buildah(str(program), tmp_path).forget(200)
    removed = [line.split()[-1] for line in calls.read_text().splitlines() if " rmi " in line]
    assert removed == ["old"]


def test_the_first_builder_that_responds_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(programs))
    fake_docker.install(programs)
    assert isinstance(find(tmp_path), Docker)
    (programs / "docker").write_text("#!/bin/sh\nexit 1\n")  # the client alone
    fake_docker.install(programs, name="nerdctl")
    fake_docker.install(programs, name="buildah")
    assert isinstance(find(tmp_path), Buildah)
    fake_docker.install(programs, name="buildctl")
    assert isinstance(find(tmp_path), Nerdctl)


def test_without_a_builder_the_message_names_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match=r"neither Docker nor nerdctl with BuildKit .* the Debian package buildah"):
        find(tmp_path)


def test_a_build_gets_the_machines_certificates_and_package_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, settings = tmp_path / "ca.crt", tmp_path / "pip.conf"
    bundle.write_text("certificates")
    settings.write_text("[global]\nindex-url = https://one.example/simple\ncert = /here/only\nproxy = p.example\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("PIP_INDEX_URL", "https://two.example/%25simple")
    monkeypatch.setattr(host, "PIP_FILES", (settings,))
    secrets = host.secrets(tmp_path / "secrets")
    assert secrets["ca"] == bundle
    assert secrets["pip"].read_text() == "[global]\nindex-url = https://two.example/%25simple\nproxy = p.example\n"
    npm = tmp_path / "npmrc"
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(npm))
    assert "npm" not in host.secrets(tmp_path / "secrets")
    npm.write_text("registry=https://three.example/npm/\n")
    assert host.secrets(tmp_path / "secrets")["npm"] == npm


def test_the_uv_cache_is_shared_with_a_base_of_the_same_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"VERSION_CODENAME": "bookworm"})
    assert host.caches("bookworm") == {"/root/.cache/uv": tmp_path}
    assert host.caches("trixie") == {}
    build = Build(context=tmp_path, name="thing:1", caches=host.caches("bookworm"))
    assert Buildah("buildah", tmp_path)._shared(build) == [f"--volume={tmp_path}:/root/.cache/uv"]
    assert Docker("docker")._shared(build) == []


def test_secrets_are_mounted_and_not_build_arguments(
    folder: Path, images: Images, calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    images.build(folder)
    (build,) = calls_of(calls, "build")
    assert f"--secret=id=ca,src={bundle}" in build
    assert [option for option in build if option.startswith("--build-arg")] == [f"--build-arg=BASE={BASE}"]
