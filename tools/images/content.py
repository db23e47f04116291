"""Files of an image's folder, and a digest of them."""

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tools.errors import ImageError

DOCKERFILE: Final = "Dockerfile"
IGNORE_FILE: Final = ".dockerignore"
IGNORED: Final = ("__pycache__", "*.pyc", ".venv")
BASE: Final = re.compile(r"^ARG BASE=(\S+)$", re.MULTILINE)
EXECUTABLE: Final = 0o111
TAG_LENGTH: Final = 16


def files(folder: Path) -> list[Path]:
    """Return the folder's files, relative and sorted, without those of `.dockerignore` but with the Dockerfile.

    Raises ImageError without a Dockerfile.
    """
    if not (folder / DOCKERFILE).is_file():
        raise ImageError(f"{folder}: has no {DOCKERFILE}; accepted: a folder that an image is built from")
    return sorted(_walk(folder, folder, _ignored(folder)))


def digest(folder: Path, *more: str) -> str:
    """Return a short digest of *more* and of the files: their names, bytes and executable bits."""
    hashed = hashlib.sha256("\0".join(more).encode())
    for file in files(folder):
        path = folder / file
        content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
        kind = "link" if path.is_symlink() else "program" if path.stat().st_mode & EXECUTABLE else "file"
        hashed.update(f"\0{file.as_posix()}\0{kind}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()[:TAG_LENGTH]


def copy(folder: Path, target: Path) -> None:
    """Copy the folder's files to *target*: exactly the files of the digest."""
    for file in files(folder):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / file, target / file, follow_symlinks=False)


def base(folder: Path) -> str:
    """Return the default base of the Dockerfile. Raises ImageError where it names none."""
    match = BASE.search((folder / DOCKERFILE).read_text(encoding="utf-8"))
    if match is None:
        raise ImageError(f"{folder / DOCKERFILE}: names no base; accepted: a line ARG BASE=<image by digest>")
    return match[1]


def _ignored(folder: Path) -> tuple[str, ...]:
    file = folder / IGNORE_FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    patterns = (line.strip().removeprefix("**/").strip("/") for line in lines)
    return (*IGNORED, *(line for line in patterns if line != DOCKERFILE and line and not line.startswith("#")))


def _walk(folder: Path, root: Path, ignored: Iterable[str]) -> Iterator[Path]:
    for entry in folder.iterdir():
        if any(fnmatch(entry.name, pattern) for pattern in ignored):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, root, ignored)
        else:
            yield entry.relative_to(root)
