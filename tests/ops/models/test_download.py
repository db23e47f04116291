"""Files appear complete or not at all, and a download continues where it broke off."""

import dataclasses
import hashlib
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from synapse_models import download
from synapse_models.download import Downloader, DownloadError, DownloadPlan, RemoteFile, compute_digest
from tests.ops.models.file_server import FileServer, serving

pytestmark = pytest.mark.usefixtures("hub_client")

CONTENT = random.Random(3).randbytes(3_000_000)  # noqa: S311
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Events(list[dict[str, Any]]):
    """The events of a downloader, and its pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def download(self, folder: Path, *files: RemoteFile) -> None:
        Downloader(self.append, self.pauses.append).run(DownloadPlan(root=folder, files=files))


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def file(server: FileServer) -> RemoteFile:
    server.files["/model.gguf"] = CONTENT
    url = f"{server.url}/model.gguf"
    return RemoteFile(url=url, name="model.gguf", path="llm/model.gguf", size=len(CONTENT), digest=SHA256)


def ranges(server: FileServer) -> list[str | None]:
    return [byte_range for _, _, byte_range, _ in server.requests]


def test_a_file_arrives_complete(file: RemoteFile, events: Events, tmp_path: Path) -> None:
    events.download(tmp_path, file)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert events[-1] == {"file": "model.gguf", "done": len(CONTENT), "size": len(CONTENT), "state": "fetched"}
    assert [path.name for path in (tmp_path / "llm").iterdir()] == ["model.gguf"]


def test_an_existing_file_is_not_requested(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    events.download(tmp_path, file)
    server.requests.clear()
    events.download(tmp_path, file)
    assert (server.requests, events[-1]["state"]) == ([], "was there")


def test_an_existing_file_to_be_verified_must_have_the_digest(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    """Otherwise it is downloaded again, and stays if the new one is wrong, too."""
    verified, existing = dataclasses.replace(file, verify_existing=True), tmp_path / file.path
    existing.parent.mkdir()
    existing.write_bytes(other := bytes(file.size))
    events.download(tmp_path, file)
    assert existing.read_bytes() == other
    events.download(tmp_path, verified)
    assert (existing.read_bytes(), events[-1]["state"]) == (CONTENT, "fetched")
    server.requests.clear()
    events.download(tmp_path, verified)
    assert (server.requests, events[-1]["state"]) == ([], "was there")
    with pytest.raises(DownloadError, match="its digest is"):
        events.download(tmp_path, dataclasses.replace(verified, digest=64 * "0"))
    assert existing.read_bytes() == CONTENT


def test_a_broken_transfer_is_resumed(file: RemoteFile, events: Events, server: FileServer, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 500_000]
    events.download(tmp_path, file)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    first, *rest = (int((each or "bytes=0-")[6:-1]) for each in ranges(server))
    assert first == 0
    assert [0 < start <= 1_500_000 for start in rest] == [True, True]


def test_the_part_of_an_earlier_run_is_resumed(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm/model.gguf.part").write_bytes(CONTENT[:2_000_000])
    events.download(tmp_path, file)
    assert ranges(server) == ["bytes=2000000-"]
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_the_whole_file(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    server.has_ranges, server.cuts = False, [1_000_000]
    events.download(tmp_path, file)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT


def test_a_wrong_digest_leaves_no_file(file: RemoteFile, events: Events, server: FileServer, tmp_path: Path) -> None:
    server.files["/model.gguf"] = CONTENT[:-1] + b"\0"
    with pytest.raises(DownloadError, match=rf"its digest is \w+; accepted: {SHA256}"):
        events.download(tmp_path, file)
    assert list((tmp_path / "llm").iterdir()) == []


def test_a_file_that_is_larger_than_announced_is_refused(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    server.files["/model.gguf"] = CONTENT * 2
    with pytest.raises(DownloadError, match="sends more than the 3000000 bytes that it announced"):
        events.download(tmp_path, file)
    assert list((tmp_path / "llm").iterdir()) == []


def test_a_file_that_is_smaller_than_announced_is_refused(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    server.files["/model.gguf"] = CONTENT[:-1]
    with pytest.raises(DownloadError, match="it ends after 2999999 bytes, not after the announced 3000000"):
        events.download(tmp_path, file)
    assert list((tmp_path / "llm").iterdir()) == []


def test_a_part_that_is_too_large_is_discarded(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm/model.gguf.part").write_bytes(CONTENT * 2)
    events.download(tmp_path, file)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert ranges(server) == [None]


def test_a_server_that_fails_for_long_is_given_up_and_the_part_is_kept(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    server.cuts = [100_000] + [0] * 100
    with pytest.raises(DownloadError, match=r"breaks off at 65536 of 3000000 bytes .* continues there"):
        events.download(tmp_path, file)
    assert (tmp_path / "llm/model.gguf.part").stat().st_size == 1 << 16
    assert events.pauses == [1, 2, 4, 8, 16]


def test_a_temporary_failure_is_retried(file: RemoteFile, events: Events, server: FileServer, tmp_path: Path) -> None:
    server.statuses = [503, 502]
    events.download(tmp_path, file)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert events.pauses == [2, 4]


@pytest.mark.parametrize(
    ("status", "message"), [(404, "404 Not Found"), (401, "set the stack's hfToken"), (403, "hfToken")]
)
def test_a_refusal_ends_the_download(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path, status: int, message: str
) -> None:
    server.statuses = [status]
    with pytest.raises(DownloadError, match=message):
        events.download(tmp_path, file)
    assert events.pauses == []


def test_a_download_without_room_does_not_begin(
    file: RemoteFile, events: Events, server: FileServer, tmp_path: Path
) -> None:
    huge = dataclasses.replace(file, path="huge", size=2**60)
    message = r"the download needs 1073741824.00 GiB, .* are free, .* nothing was downloaded: make room"
    with pytest.raises(DownloadError, match=message):
        events.download(tmp_path, file, huge)
    assert server.requests == []


def test_a_full_disk_is_named(file: RemoteFile, events: Events, tmp_path: Path) -> None:
    """/dev/full stands for the disk."""
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm/model.gguf.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"the disk is full: .*; make room"):
        events.download(tmp_path, file)


def test_a_token_stays_on_its_host(file: RemoteFile, events: Events, server: FileServer, tmp_path: Path) -> None:
    with serving() as hub:
        hub.redirects["/resolve"] = (file.url, {})
        events.download(tmp_path, dataclasses.replace(file, url=f"{hub.url}/resolve", token="hf_x"))  # noqa: S106
        assert hub.requests == [("GET", "/resolve", None, "Bearer hf_x")]
    assert server.requests == [("GET", "/model.gguf", None, None)]


def test_the_digest_of_a_small_file_is_the_name_of_its_git_blob(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello\n")
    blob = subprocess.run(
        ["/usr/bin/git", "hash-object", "f"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert compute_digest(tmp_path / "f", download.GIT) == f"git:{blob.stdout.strip()}"
