"""The commit that is released: a tree in which everything is committed, so that its name says what runs."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.errors import ReleaseError

SHOWN: Final = 10
GIT_S: Final = 60.0
STATUS: Final = ("status", "--porcelain=v1", "--untracked-files=all")


def clean(folder: Path) -> str:
    """The commit of *folder*, in hexadecimal. Raises ReleaseError where something is not committed, or without git."""
    if found := _git(folder, *STATUS).splitlines():
        more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        lines = [*(f"  {line}" for line in found[:SHOWN]), *more]
        raise ReleaseError(
            f"{folder}: a release is of a commit, and these files are not as committed; commit them, or put them away "
            "with `git stash --include-untracked`:\n" + "\n".join(lines)
        )
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    command: Sequence[str] = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_S, check=False)
    except OSError as error:
        raise ReleaseError(f"git: {error.strerror}; a release is of a commit: install git") from error
    if done.returncode:
        raise ReleaseError(f"{folder}: a release is of a commit, and git says: {done.stderr.strip()}")
    return done.stdout
