"""uv for Pulumi's official Python language host, which starts it by name before each program and policy pack."""

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools import paths
from tools.errors import ToolchainError

SCRIPT: Final = Path(__file__).parents[1] / "uv"
INSTALL_S: Final = 300.0


def environment() -> dict[str, str]:
    """Return variables with which the language host finds uv, and uv changes nothing in the environment of Synapse.

    uv would update the lock file, and install the groups that a developer left out. Raises ToolchainError.
    """
    path = os.environ.get("PATH", os.defpath)
    if not shutil.which("uv", path=path):
        path = os.pathsep.join((path, str(_folder())))
    return {"PATH": path, "UV_FROZEN": "1", "UV_NO_DEFAULT_GROUPS": "1"}


def _folder() -> Path:
    """Return the folder of the uv that runs this process, else of the one that `tools/uv` keeps in the cache."""
    running = Path(os.environ.get("UV", ""))  # set by `uv run`
    return running.parent if running.name == "uv" and running.exists() else _kept()


@functools.cache
def _kept() -> Path:
    """Return the folder of the pinned uv; `tools/uv` installs it at its first use."""
    done = subprocess.run([SCRIPT, "--version"], capture_output=True, text=True, timeout=INSTALL_S, check=False)
    words = done.stdout.split()
    folder = paths.cache() / f"uv-{words[1] if len(words) > 1 else ''}" / "bin"
    if done.returncode or not (folder / "uv").exists():
        raise ToolchainError(
            "uv is not on PATH, and tools/uv could not install it; Pulumi's Python language host needs it: "
            f"install uv, or see why:\n{done.stderr}"
        )
    return folder
