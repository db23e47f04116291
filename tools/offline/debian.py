"""Debian programs of image builds and tests: found on PATH, else installed where that is allowed."""

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
"""Paths left out of a package, so that its installation starts no service."""


def program(name: str, package: str | None = None, *, may_install: bool | None = None) -> Path:
    """Return the executable *name* of the Debian package *package*, by default of the same name.

    *may_install* None means: only as root. Raises ToolchainError, with what to install, where it is missing.
    """
    package = package or name
    may_install = os.geteuid() == 0 if may_install is None else may_install
    path = shutil.which(name)
    if path is None and may_install and shutil.which("apt-get"):
        with exclusive(
            cache() / "apt", lambda: say(f"waiting for another process that installs a package, for {name}")
        ):
            path = shutil.which(name) or _install(name, package)
    if path is None:
        raise ToolchainError(f"{name}: not on PATH; install the Debian package {package}: apt-get install {package}")
    return Path(path)


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
