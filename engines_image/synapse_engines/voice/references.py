"""Recordings of voices that clients sent, kept as files for as long as there is room."""

import re
import shutil
from pathlib import Path

from synapse_engines.errors import NotFoundError
from synapse_engines.web.bodies import File

SUFFIXES = (".wav", ".mp3")
MOST = 200
"""Files that are kept; the oldest go first, and who wants one again sends it again."""


class References:
    """The files of one *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir())

    def find(self, name: str) -> Path:
        """Raises NotFoundError."""
        path = self._folder / cleaned(name)
        if not path.is_file():
            raise NotFoundError(f"Reference audio file '{name}' not found.")
        return path

    def has(self, name: str) -> bool:
        return (self._folder / cleaned(name)).is_file()

    def keep(self, file: File) -> str:
        """The name under which *file* is kept."""
        name = cleaned(file.name)
        shutil.copyfile(file.path, self._folder / name)
        for old in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-MOST]:
            old.unlink(missing_ok=True)
        return name


def cleaned(name: str) -> str:
    """A file name that is nothing but one."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(name).name).lstrip(".")[-200:] or "_"
