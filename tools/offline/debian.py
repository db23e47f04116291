"""Programs that a test needs and Debian has: found where they are, else installed where that is allowed."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.paths import cache
from tools.progress import say

INSTALL_S = 900
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}
DAEMONS = ("/etc/init.d/*", "/lib/systemd/system/*", "/usr/lib/systemd/system/*")
"""Left out of a package: its program is wanted, and nothing is to be started by it."""


def program(name: str, package: str | None = None, *, may_install: bool | None = None) -> Path:
    """The executable *name*, of the Debian package *package* where that is called otherwise.

    *may_install*: where None, root may.
    Raises ToolchainError, which says what to install, where it is missing and cannot be installed from here.
    """
    package = package or name
    may_install = os.geteuid() == 0 if may_install is None else may_install
    found = shutil.which(name)
    if found is None and may_install and shutil.which("apt-get"):
        with exclusive(
            cache() / "apt", lambda: say(f"waiting for another process that installs a package, for {name}")
        ):
            found = shutil.which(name) or _install(name, package)
    if found is None:
        raise ToolchainError(f"{name}: not on PATH; install the Debian package {package}: apt-get install {package}")
    return Path(found)


def _install(name: str, package: str) -> str | None:
    say(f"installing the Debian package {package}, for {name}")
    without = [f"-oDpkg::Options::=--path-exclude={path}" for path in DAEMONS]
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *without, package]):
        apt = shutil.which("apt-get") or "apt-get"
        done = subprocess.run(
            [apt, *command], env={**os.environ, **ENVIRONMENT}, capture_output=True, timeout=INSTALL_S, check=False
        )
        if done.returncode != 0:
            return None
    return shutil.which(name)
