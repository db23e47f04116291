"""LiteLLM, which the gateway is compared with: one version, installed into its own environment at first use."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools import paths
from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.progress import say

VERSION = "1.106.2"
UV = Path(__file__).parents[1] / "uv"
INSTALL_S = 900.0


def environment() -> Path:
    """Return the folder of the Python environment. Raises ToolchainError where it cannot be made."""
    folder = paths.cache() / "built" / f"litellm-{VERSION}"
    with exclusive(paths.cache() / "locks/litellm", lambda: say("another process installs LiteLLM; waiting ...")):
        if not (folder / "bin/litellm").exists():
            _make(folder)
    return folder


def _make(folder: Path) -> None:
    """Install beside the target and rename at the end, so that an existing environment is complete."""
    say(f"installing LiteLLM {VERSION} from the Python package index (about 2 min, once per machine) ...")
    fresh = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    _uv("venv", "--quiet", "--relocatable", "--python", sys.executable, str(fresh))
    _uv("pip", "install", "--quiet", "--python", str(fresh / "bin/python"), f"litellm[proxy]=={VERSION}")
    fresh.rename(folder)


def _uv(*arguments: str) -> None:
    done = subprocess.run([UV, *arguments], capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        raise ToolchainError(
            f"LiteLLM {VERSION} could not be installed; leave it out with --without litellm:\n{done.stderr}"
        )
