"""What is in an image, as SPDX beside its archive, where syft is there to list it."""

import shutil
from pathlib import Path

from tools.images import running


def file(archive: Path) -> Path:
    """Where the list of *archive* is, if there is one."""
    return archive.with_suffix(".spdx.json")


def write(archive: Path, log: Path) -> None:
    """List what is in *archive*. Raises ImageError where syft fails; does nothing where it is missing."""
    if syft := shutil.which("syft"):
        to = f"spdx-json={file(archive)}"
        running.logged(f"listing {archive.stem}", [syft, "scan", f"oci-archive:{archive}", "--output", to], log)
