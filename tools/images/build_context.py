"""Build context for another machine: an image's folder and the code that builds it, in one archive."""

import shlex
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tools import paths
from tools.images import content

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = ("tools/*.py", "tools/images/*.py", "tools/offline/__init__.py", "tools/offline/debian.py")
KEPT: Final = 4
"""Number of archives in the cache; a preview writes one too."""
SCRIPT: Final = """\
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {{
    echo "this host has no python3 of 3.11 or newer: install it" >&2
    exit 1
}}
cd {folder}
work=$(mktemp -d "$PWD/building.XXXXXX")
trap 'rm -rf "$work"' EXIT
tar -xf {archive} -C "$work"
find . -maxdepth 1 -name {others} ! -name {archive} -delete
cd "$work"
python3 -m tools.images {source} {destination}
"""


def name(folder: Path) -> str:
    """Return the name of the archive; it has a digest of its content."""
    return f"{folder.name}-{content.digest(folder, *_code_digest())}.tar"


def write(folder: Path) -> Path:
    """Return the archive of *folder*, written into the cache. Raises ImageError for a folder without a Dockerfile."""
    file = paths.cache() / "build-contexts" / name(folder)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        with tarfile.open(fresh, "w") as tar:
            for path, member in _members(folder):
                tar.add(path, member, recursive=False, filter=_without_owner)
        fresh.replace(file)
        for old in sorted(file.parent.glob("*.tar"), key=lambda path: -path.stat().st_mtime)[KEPT:]:
            old.unlink(missing_ok=True)
    return file


def script(folder: Path, at: str, destination: Sequence[str]) -> str:
    """Return the shell script that builds from the archive in the host's folder *at*; it prints only the reference.

    *destination*: an option of `python3 -m tools.images`, with its value.
    """
    words = {
        "folder": at,
        "archive": name(folder),
        "others": f"{folder.name}-*.tar",
        "source": folder.name,
    }
    quoted = {key: shlex.quote(word) for key, word in words.items()}
    return SCRIPT.format(**quoted, destination=shlex.join(destination))


def _members(folder: Path) -> Iterator[tuple[Path, str]]:
    root = content.folder_of(folder)
    for file in content.files(folder):
        yield root / file, f"{root.name}/{file.as_posix()}"
    for file in _code():
        yield file, file.relative_to(ROOT).as_posix()


def _code() -> list[Path]:
    return sorted(file for pattern in CODE for file in ROOT.glob(pattern))


def _code_digest() -> Iterator[str]:
    return (file.read_text(encoding="utf-8") for file in _code())


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove owner and time, so that the same content gives the same archive."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member
