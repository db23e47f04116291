"""Stacks that this repository ships. A user's own `Pulumi.<name>.yaml` in the checkout is not tested."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.settings.model import ROOT

STACKS: Final = ("forge", "forge-llamacpp", "local")
"""Names of the shipped stack files; the one list of them for all tests."""
LIST_FILES: Final = ("git", "ls-files", "-z", "--cached")


def copy_checkout(folder: Path) -> None:
    """Copy every file of the checkout to *folder*, except the ignored ones; its environment is the one of the tests.

    Pulumi's language host looks for the environment of the policy pack there.
    """
    command = (*LIST_FILES, "--others", "--exclude-standard")
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # the index also has files that were removed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
