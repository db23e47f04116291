"""Files that only their owner can read, whole after a loss of power."""

import errno
import os
from pathlib import Path

import pytest

from tools.control_plane.files import create_private, write_private


def test_content_is_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list[str]()
    synced, replaced = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        steps.append("folder" if os.fstat(handle).st_nlink > 1 else "content")
        synced(handle)

    def replace(self: Path, target: Path) -> Path:
        steps.append("name")
        return replaced(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_private(tmp_path / "record", "text")
    assert steps == ["content", "name", "folder"]
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_keeps_the_former_content_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(tmp_path / "record", "former")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(tmp_path / "record", "fresh")
    assert [path.name for path in tmp_path.iterdir()] == ["record"]
    assert (tmp_path / "record").read_text() == "former"


def test_the_first_of_two_creations_wins(tmp_path: Path) -> None:
    create_private(tmp_path / "passphrase", "first")
    create_private(tmp_path / "passphrase", "second")
    assert [path.name for path in tmp_path.iterdir()] == ["passphrase"]
    assert (tmp_path / "passphrase").read_text() == "first"
