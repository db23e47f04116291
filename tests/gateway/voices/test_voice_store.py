"""Voices on disk: no partial and no lost files after kills, conflicts and failures."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from synapse_gateway.api.voices import disk, layout
from synapse_gateway.api.voices import store as stores
from synapse_gateway.api.voices.disk import locked
from synapse_gateway.api.voices.layout import LOCK, Voice
from synapse_gateway.api.voices.reference import reference
from synapse_gateway.api.voices.store import VoiceStore
from synapse_gateway.errors import BadRequestError, ConflictError, NotFoundError
from tests.gateway.sounds import wav

OLD = {"name": "old", "created_at": "2026-03-01T08:00:00+00:00", "duration_seconds": 6.0}


class Sound:
    """Recording in memory; *fault* is raised after its first part."""

    def __init__(self, data: bytes, fault: Exception | None = None) -> None:
        self._data = data
        self._fault = fault

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, size: int, /) -> bytes:
        if self._fault and offset:
            raise self._fault
        return self._data[offset : offset + (1000 if self._fault else size)]


def legacy_voice(root: Path, **files: bytes) -> Path:
    """Create a voice of another program: its metadata, and *files* in its folder."""
    folder = root / str(uuid4())
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps({"voice_id": folder.name, **OLD}))
    for name, data in files.items():
        (folder / f"{name}.wav").write_bytes(data)
    return folder


def contents(root: Path, voice: Voice) -> list[bytes]:
    return [(root / voice.voice_id / "references" / name).read_bytes() for name in voice.references]


def test_a_kill_at_any_point_loses_no_confirmed_change(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.gateway.voices.killed", tmp_path], check=True, capture_output=True, text=True
    )
    outcomes = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(outcomes) > 50
    assert [outcome.get("closed") for outcome in outcomes] == [None] * (len(outcomes) - 1) + [True]
    for outcome in outcomes:
        check_survivor(outcome)


def check_survivor(outcome: dict[str, Any]) -> None:
    """Check that confirmed changes exist, others exist completely or not at all, and no leftovers remain."""
    root, (first, second) = Path(outcome["root"]), outcome["before"]
    store = VoiceStore(root)
    voices = {voice.name: voice for voice in store.voices()}
    assert contents(root, voices["one"]) in [[wav(6, fill=1)], [wav(6, fill=1), wav(6, fill=5)]]
    if "added" in outcome:
        assert len(voices["one"].references) == 2
    if "made" in outcome:
        assert voices["made"].voice_id == outcome["made"]
    if "made" in voices:
        assert contents(root, voices["made"]) == [wav(6, fill=3), wav(6, fill=4)]
    if "two" in voices:
        assert "deleted" not in outcome
        assert contents(root, voices["two"]) == [wav(6, fill=2)]
    store.add(first, [Sound(wav(6))])
    store.close()
    left = {path.name for path in root.iterdir()} - {voice.voice_id for voice in voices.values()}
    assert left == {LOCK, "before.json"}
    assert voices.keys() <= {"one", "two", "made"}
    assert (second in {voice.voice_id for voice in voices.values()}) == ("two" in voices)


def test_files_of_a_running_process_are_no_leftovers(tmp_path: Path) -> None:
    one = VoiceStore(tmp_path)
    with one._scratch.temporary_path() as unfinished:
        unfinished.write_text("under way")
        two = VoiceStore(tmp_path)
        assert unfinished.exists()
    one.close()
    two.close()
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), ValueError("the spool is closed")])
def test_a_failed_write_leaves_nothing(tmp_path: Path, fault: Exception) -> None:
    store = VoiceStore(tmp_path)
    voice = store.create("a", "owner", [Sound(wav(6))])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(type(fault)):
        store.create("b", "owner", [Sound(wav(6)), Sound(wav(6), fault)])
    with pytest.raises(type(fault)):
        store.add(voice.voice_id, [Sound(wav(6)), Sound(wav(6), fault)])
    assert set(tmp_path.rglob("*")) == before.keys()
    assert store.voices() == [voice]


def test_references_are_added_all_or_none(tmp_path: Path, monkeypatch: Any) -> None:
    store = VoiceStore(tmp_path)
    voice = store.create("a", "owner", [Sound(wav(6))])
    link, made = os.link, list[Path]()

    def failing(source: Path, target: Path) -> None:
        if made:
            raise OSError(errno.ENOSPC, "full")
        made.append(target)
        link(source, target)

    monkeypatch.setattr(os, "link", failing)
    with pytest.raises(OSError, match="full"):
        store.add(voice.voice_id, [Sound(wav(7)), Sound(wav(8))])
    assert len(made) == 1
    assert store.voices() == [voice]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_voice_deleted_while_waiting_for_its_lock_is_not_found(
    tmp_path: Path, monkeypatch: Any, *, is_replaced: bool
) -> None:
    store = VoiceStore(tmp_path)
    voice = store.create("a", "owner", [Sound(wav(6))])
    folder, elsewhere, try_lock = tmp_path / voice.voice_id, tmp_path / "elsewhere", disk.try_lock

    def late(handle: int) -> bool:
        folder.rename(elsewhere)
        if is_replaced:
            folder.mkdir()
            (folder / LOCK).touch()
        return try_lock(handle)

    monkeypatch.setattr(disk, "try_lock", late)
    with pytest.raises(NotFoundError):
        store.delete(voice.voice_id)
    assert [path.name for path in (elsewhere / "references").iterdir()] == ["ref_001.wav"]


def test_a_voice_deleted_before_its_lock_is_not_found(tmp_path: Path, monkeypatch: Any) -> None:
    store, other = VoiceStore(tmp_path), VoiceStore(tmp_path)
    voice = store.create("a", "owner", [Sound(wav(6))])

    def late(path: Path) -> Any:
        monkeypatch.undo()
        other.delete(voice.voice_id)
        return locked(path)

    monkeypatch.setattr(stores, "locked", late)
    with pytest.raises(NotFoundError):
        store.add(voice.voice_id, [Sound(wav(6))])
    assert store.voices() == []


def test_a_lock_timeout_is_a_conflict(tmp_path: Path) -> None:
    with locked(tmp_path / LOCK), pytest.raises(ConflictError) as refused, locked(tmp_path / LOCK, timeout_s=0.05):
        pass
    assert refused.value.code == "voice_busy"


def test_the_legacy_layout_is_migrated_once(tmp_path: Path) -> None:
    alone = legacy_voice(tmp_path, reference=wav(6, fill=1))
    beside = legacy_voice(tmp_path, reference=wav(6, fill=2))
    (beside / "references").mkdir()
    (beside / "references" / "ref_001.wav").write_bytes(wav(6, fill=3))
    stranger = tmp_path / "no-uuid"
    stranger.mkdir()
    (stranger / "reference.wav").write_bytes(wav())
    for _ in range(2):
        store = VoiceStore(tmp_path)
        result = {voice.voice_id: contents(tmp_path, voice) for voice in store.voices()}
        assert result == {alone.name: [wav(6, fill=1)], beside.name: [wav(6, fill=3), wav(6, fill=2)]}
        assert not (alone / "reference.wav").exists()
        store.close()
    assert (stranger / "reference.wav").exists()


def test_a_legacy_recording_that_is_a_link_is_not_moved(tmp_path: Path) -> None:
    folder = legacy_voice(tmp_path)
    (folder / "reference.wav").symlink_to("/etc/passwd")
    store = VoiceStore(tmp_path)
    assert [voice.references for voice in store.voices()] == [()]
    assert (folder / "reference.wav").is_symlink()


def test_a_legacy_voice_that_cannot_be_moved_stays(tmp_path: Path, caplog: Any) -> None:
    folder = legacy_voice(tmp_path, reference=wav(6))
    (folder / "references").write_text("in the way")
    VoiceStore(tmp_path).close()
    assert (folder / "reference.wav").exists()
    assert "keeps its old layout" in caplog.text
    assert str(tmp_path) not in caplog.text


def test_a_legacy_voice_locked_by_another_replica_stays(tmp_path: Path, monkeypatch: Any) -> None:
    folder = legacy_voice(tmp_path, reference=wav(6))
    monkeypatch.setattr(disk, "try_lock", lambda handle: False)
    monkeypatch.setattr(layout, "locked", lambda path: locked(path, timeout_s=0))
    layout.migrate(folder)
    assert (folder / "reference.wav").exists()


def test_adding_to_a_foreign_voice_corrects_its_duration(tmp_path: Path) -> None:
    folder = legacy_voice(tmp_path)
    store = VoiceStore(tmp_path)
    voice, names = store.add(folder.name, [Sound(wav(7))])
    assert (voice.references, names) == (("ref_001.wav",), ["ref_001.wav"])
    (folder / "references" / "ref_002.wav").write_bytes(b"damaged")
    store.add(folder.name, [Sound(wav(8))])
    assert msgspec.json.decode((folder / "metadata.json").read_bytes())["duration_seconds"] == 15.0
    with pytest.raises(BadRequestError, match="at most 50"):
        store.add(folder.name, [Sound(wav(0.1))] * 48)


def test_a_voice_deleted_while_it_is_read_is_not_found(tmp_path: Path, monkeypatch: Any) -> None:
    store = VoiceStore(tmp_path)
    voice = store.create("a", "owner", [Sound(wav(6))])
    is_dir = Path.is_dir

    def late(path: Path) -> bool:
        result = is_dir(path)
        if path.name == "references":
            store.delete(voice.voice_id)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(Path, "is_dir", late)
        with pytest.raises(NotFoundError):
            store.voice(voice.voice_id)


def test_a_recording_is_identified_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "ref_001.wav"
    path.write_bytes(wav(6))
    first = reference("id", path)
    assert (first.name, first.size, first.content_type) == ("id_ref_001.wav", len(wav(6)), "audio/wav")
    assert reference("id", path).digest == first.digest
    path.unlink()
    path.write_bytes(wav(6, fill=1))
    assert reference("id", path).digest != first.digest


@pytest.mark.anyio
async def test_a_recording_deleted_while_it_is_sent_is_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "ref_001.wav"
    path.write_bytes(wav(30))
    result = reference("id", path)
    assert b"".join([part async for part in result.chunks()]) == wav(30)
    path.unlink()
    with pytest.raises(ConflictError):
        [part async for part in result.chunks()]
    with pytest.raises(ConflictError):
        reference("id", path)
