"""Only a commit without local changes may be released."""

import subprocess
from pathlib import Path

import pytest

from infra.errors import ReleaseError
from ops.release.checkout import clean_commit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "kept").write_text("1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    command = ["/usr/bin/git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_tree_gives_its_commit(folder: Path) -> None:
    (folder / "ignored.log").touch()
    assert clean_commit(folder) == git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda folder: (folder / "kept").write_text("2\n"), " M kept"),
        (lambda folder: (folder / "new").touch(), "?? new"),
        (lambda folder: (folder / "kept").unlink(), " D kept"),
        (lambda folder: git(folder, "mv", "kept", "moved"), "R  kept -> moved"),
    ],
)
def test_every_uncommitted_file_is_named(folder: Path, change: object, line: str) -> None:
    assert callable(change)
    change(folder)
    with pytest.raises(ReleaseError, match="commit them, or put them away with `git stash") as raised:
        clean_commit(folder)
    assert str(raised.value).splitlines()[1] == f"  {line}"


def test_a_long_list_is_cut_short(folder: Path) -> None:
    for number in range(13):
        (folder / f"new-{number}").touch()
    with pytest.raises(ReleaseError) as raised:
        clean_commit(folder)
    lines = str(raised.value).splitlines()
    assert (len(lines), lines[-1]) == (12, "  and 3 more")


def test_a_folder_without_git_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="a release deploys a commit, and git failed: fatal: not a git repository"):
        clean_commit(tmp_path)


def test_a_machine_without_git_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ReleaseError, match="install git"):
        clean_commit(folder)
