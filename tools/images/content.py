"""Files of an image's folder, and a digest of them.

A source is a folder, or `FOLDER#ENVIRONMENT` for one of several images of a folder: its Dockerfile takes the name of a
folder below `environments/` as a build argument.
"""

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
ENVIRONMENTS: Final = "environments"


def folder_of(source: Path) -> Path:
    return source.with_name(source.name.partition("#")[0])


def environment_of(source: Path) -> str:
    """Return the environment of a source; empty where it names none."""
    return source.name.partition("#")[2]


def files(source: Path) -> list[Path]:
    """Return the folder's files, relative and sorted, without those of `.dockerignore` but with the Dockerfile.

    Raises ImageError without a Dockerfile, or without the environment that the source names.
    """
    folder, environment = folder_of(source), environment_of(source)
    if environment not in environments(folder):
        names = ", ".join(each for each in environments(folder) if each) or "none"
        raise ImageError(f"{folder}: has no environment {environment!r}; accepted: none, or one of: {names}")
    if not (folder / DOCKERFILE).is_file():
        raise ImageError(f"{folder}: has no {DOCKERFILE}; accepted: a folder that an image is built from")
    return sorted(_walk(folder, folder, _ignored(folder)))


def environments(folder: Path) -> list[str]:
    """Return the names of the environments of *folder*, the empty one of the folder itself first."""
    return ["", *sorted(path.name for path in (folder / ENVIRONMENTS).glob("*") if path.is_dir())]


def digest(source: Path, *more: str) -> str:
    """Return a short digest of *more*, of the environment and of the files: their names, bytes and executable bits."""
    environment = environment_of(source)
    hashed = hashlib.sha256("\0".join([*more, environment] if environment else more).encode())
    for file in files(source):
        path = folder_of(source) / file
        content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
        kind = "link" if path.is_symlink() else "program" if path.stat().st_mode & EXECUTABLE else "file"
        hashed.update(f"\0{file.as_posix()}\0{kind}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()[:TAG_LENGTH]


def copy(source: Path, target: Path) -> None:
    """Copy the folder's files to *target*: exactly the files of the digest."""
    for file in files(source):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder_of(source) / file, target / file, follow_symlinks=False)


def base(source: Path) -> str:
    """Return the default base of the Dockerfile. Raises ImageError where it names none."""
    file = folder_of(source) / DOCKERFILE
    match = BASE.search(file.read_text(encoding="utf-8"))
    if match is None:
        raise ImageError(f"{file}: names no base; accepted: a line ARG BASE=<image by digest>")
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
