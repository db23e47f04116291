"""Reference recordings of voices that clients uploaded, stored as files."""

import re
import shutil
from pathlib import Path

from synapse_engines.errors import NotFoundError
from synapse_engines.web.requests import UploadedFile

SUFFIXES = (".wav", ".mp3")
MAX_FILES = 200
"""Number of stored files; the oldest are deleted first, and clients upload them again when they need them."""


class ReferenceStore:
    """Reference recordings in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir())

    def path(self, name: str) -> Path:
        """Return the file of the recording *name*. Raises NotFoundError."""
        path = self._folder / safe_file_name(name)
        if not path.is_file():
            raise NotFoundError(f"Reference audio file '{name}' not found.")
        return path

    def has(self, name: str) -> bool:
        return (self._folder / safe_file_name(name)).is_file()

    def save(self, file: UploadedFile) -> str:
        """Store *file* and return its name; delete the oldest recordings above the limit."""
        name = safe_file_name(file.name)
        shutil.copyfile(file.path, self._folder / name)
        for old in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-MAX_FILES]:
            old.unlink(missing_ok=True)
        return name


def safe_file_name(name: str) -> str:
    """Return *name* without folders and without characters that are special to a shell or a file system."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(name).name).lstrip(".")[-200:] or "_"
