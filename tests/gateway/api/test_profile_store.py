"""File of profiles: shared by replicas, whole after a kill, and never lost silently."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from synapse_gateway.api.models.profile_store import ProfileStore, watch_profiles
from synapse_gateway.errors import InternalError

MODEL = "vendor/model:8b"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "model-profiles.json"


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir() if not file.name.endswith(".lock"))


def test_a_change_is_in_the_file_and_in_force(path: Path) -> None:
    profiles = ProfileStore(path)
    assert profiles.of(MODEL) == {}
    assert profiles.change(MODEL, {"temperature": 0.5, "top_k": 7}, is_whole=False) == {"temperature": 0.5, "top_k": 7}
    content = json.loads(path.read_text())
    assert content["version"] == 1
    assert content["models"][MODEL]["values"] == {"temperature": 0.5, "top_k": 7}
    assert content["models"][MODEL]["updated_at"].endswith("+00:00")
    assert profiles.of(MODEL)["top_k"] == 7
    assert names(path) == ["model-profiles.json"]


def test_a_change_updates_or_replaces_the_profile(path: Path) -> None:
    profiles = ProfileStore(path)
    profiles.change("other", {"top_k": 1}, is_whole=False)
    profiles.change(MODEL, {"temperature": 0.5, "top_k": 7}, is_whole=False)
    assert profiles.change(MODEL, {"top_k": None, "min_p": 0.1}, is_whole=False) == {"temperature": 0.5, "min_p": 0.1}
    assert profiles.change(MODEL, {"top_p": 0.9}, is_whole=True) == {"top_p": 0.9}
    assert profiles.change(MODEL, {}, is_whole=True) == {}
    assert list(json.loads(path.read_text())["models"]) == ["other"]


def test_the_context_size_is_none_by_default(path: Path) -> None:
    profiles = ProfileStore(path)
    assert profiles.context_tokens(MODEL) is None
    profiles.change(MODEL, {"runtime_ctx_size": 4096}, is_whole=False)
    assert profiles.context_tokens(MODEL) == 4096


def test_another_replica_sees_a_change_at_its_refresh(path: Path) -> None:
    one, other = ProfileStore(path), ProfileStore(path)
    one.change(MODEL, {"top_k": 7}, is_whole=False)
    assert other.of(MODEL) == {}
    other.refresh()
    assert other.of(MODEL) == {"top_k": 7}
    path.unlink()
    other.refresh()
    assert other.of(MODEL) == {}


def test_a_file_is_never_written_in_place(path: Path) -> None:
    profiles = ProfileStore(path)
    profiles.change(MODEL, {"top_k": 7}, is_whole=False)
    former = path.with_name("former")
    former.hardlink_to(path)
    content = former.read_bytes()
    profiles.change(MODEL, {"top_k": 8}, is_whole=False)
    assert former.read_bytes() == content != path.read_bytes()


def test_concurrent_writers_lose_no_change(path: Path) -> None:
    replicas = [ProfileStore(path) for _ in range(4)]

    def write(number: int) -> None:
        for count in range(10):
            replicas[number].change(f"model-{number}-{count}", {"top_k": 1}, is_whole=False)

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())["models"]) == 40


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version":1,"models":[]}', b'{"models":{}}', b'{"version":1,"models":{"x":{}}}', b"\xff\x00"],
)
def test_a_damaged_file_is_renamed_and_the_last_profiles_stay(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    profiles = ProfileStore(path)
    profiles.change(MODEL, {"top_k": 7}, is_whole=False)
    path.write_bytes(content)
    profiles.refresh()
    profiles.refresh()
    assert profiles.of(MODEL) == {"top_k": 7}
    assert path.with_name("model-profiles.json.corrupt").read_bytes() == content
    assert not path.exists()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert str(path.parent) not in caplog.text
    profiles.change("other", {"top_k": 1}, is_whole=False)
    assert json.loads(path.read_text())["models"].keys() == {MODEL, "other"}


def test_a_second_damaged_file_does_not_replace_the_first(path: Path) -> None:
    profiles = ProfileStore(path)
    path.parent.mkdir()
    for content in (b"first", b"second"):
        path.write_bytes(content)
        profiles.change(MODEL, {"top_k": 7}, is_whole=False)
    kept = {file.read_bytes() for file in path.parent.glob("*.corrupt")}
    assert kept == {b"first", b"second"}


def test_a_file_of_a_newer_version_is_not_changed(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"version": 2, "models": "who knows"}')
    profiles = ProfileStore(path)
    profiles.refresh()
    assert profiles.of(MODEL) == {}
    with pytest.raises(InternalError, match="newer gateway") as refused:
        profiles.change(MODEL, {"top_k": 7}, is_whole=False)
    assert refused.value.code == "storage_error"
    assert path.read_text() == '{"version": 2, "models": "who knows"}'


def test_a_failed_write_is_an_error_and_changes_nothing(small_disk: Path) -> None:
    profiles = ProfileStore(small_disk / "profiles.json")
    profiles.change(MODEL, {"system_prompt": "brief"}, is_whole=False)
    with pytest.raises(InternalError) as refused:
        profiles.change(MODEL, {"system_prompt": "x" * 2_000_000}, is_whole=False)
    assert refused.value.code == "storage_error"
    assert str(small_disk) not in refused.value.message
    assert profiles.of(MODEL) == {"system_prompt": "brief"}
    again = ProfileStore(small_disk / "profiles.json")
    again.refresh()
    assert again.of(MODEL) == {"system_prompt": "brief"}
    assert names(small_disk / "profiles.json") == ["profiles.json"]


def test_a_failed_read_keeps_the_last_profiles(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    profiles = ProfileStore(path)
    profiles.change(MODEL, {"top_k": 7}, is_whole=False)
    path.unlink()
    path.mkdir()
    profiles.refresh()
    assert profiles.of(MODEL) == {"top_k": 7}
    assert "IsADirectoryError" in caplog.text


WRITER = """
import sys
from pathlib import Path
from synapse_gateway.api.models.profile_store import ProfileStore
profiles = ProfileStore(Path(sys.argv[1]))
for number in range(1_000_000):
    profiles.change(f"model-{number}", {"system_prompt": "x" * 20_000}, is_whole=False)
    print(number, flush=True)
"""


@pytest.mark.parametrize("written", [1, 7, 20])
def test_a_killed_writer_leaves_a_whole_file_with_all_confirmed_changes(path: Path, written: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(written):
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in writer.stdout if line.endswith(b"\n"))])
    profiles = ProfileStore(path)
    profiles.refresh()
    assert all(len(str(profiles.of(f"model-{number}")["system_prompt"])) == 20_000 for number in range(last + 1))
    profiles.change(MODEL, {"top_k": 7}, is_whole=False)
    assert names(path) == ["model-profiles.json"]


def test_leftovers_of_a_killed_writer_are_removed_by_the_next_write(path: Path) -> None:
    path.parent.mkdir()
    path.with_name(".model-profiles.json.abc.tmp").write_bytes(b"half")
    ProfileStore(path).change(MODEL, {"top_k": 7}, is_whole=False)
    assert names(path) == ["model-profiles.json"]


def test_the_watcher_refreshes_periodically(path: Path) -> None:
    async def watched() -> None:
        other = ProfileStore(path)
        task = asyncio.create_task(watch_profiles(other, 0.01))
        ProfileStore(path).change(MODEL, {"top_k": 7}, is_whole=False)
        async with asyncio.timeout(60):
            while not other.of(MODEL):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(watched())
