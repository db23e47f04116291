"""Software bill of materials (SPDX) beside an image's archive, where syft is installed."""

import shutil
from pathlib import Path

from tools.images import subprocesses


def file(archive: Path) -> Path:
    """Return the path of the list for *archive*."""
    return archive.with_suffix(".spdx.json")


def write(archive: Path, log: Path) -> None:
    """Write the list for *archive*; without syft do nothing. Raises ImageError where syft fails."""
    if syft := shutil.which("syft"):
        to = f"spdx-json={file(archive)}"
        subprocesses.logged(f"listing {archive.stem}", [syft, "scan", f"oci-archive:{archive}", "--output", to], log)
