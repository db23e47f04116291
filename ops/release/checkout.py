"""Commit of a release: a working tree without changes, so that the commit names exactly what is deployed."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.errors import ReleaseError

SHOWN: Final = 10
GIT_TIMEOUT_S: Final = 60.0
STATUS: Final = ("status", "--porcelain=v1", "--untracked-files=all")


def clean_commit(folder: Path) -> str:
    """Return the commit of *folder*, in hexadecimal. Raises ReleaseError for uncommitted changes, or without git."""
    if changes := _git(folder, *STATUS).splitlines():
        more = [f"  and {len(changes) - SHOWN} more"] if len(changes) > SHOWN else []
        lines = [*(f"  {line}" for line in changes[:SHOWN]), *more]
        raise ReleaseError(
            f"{folder}: a release deploys a commit, and these files differ from it; commit them, or put them away "
            "with `git stash --include-untracked`:\n" + "\n".join(lines)
        )
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    command: Sequence[str] = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except OSError as error:
        raise ReleaseError(f"git: {error.strerror}; a release deploys a commit: install git") from error
    if done.returncode:
        raise ReleaseError(f"{folder}: a release deploys a commit, and git failed: {done.stderr.strip()}")
    return done.stdout
