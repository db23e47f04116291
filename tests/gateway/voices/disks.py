"""Small file systems in memory."""

import shutil
import subprocess
from pathlib import Path

MOUNT, UNMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))


def mount(folder: Path, options: str) -> None:
    folder.mkdir()
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def unmount(folder: Path) -> None:
    subprocess.run([UNMOUNT, "--lazy", folder], check=True)
