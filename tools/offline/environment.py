"""Python environments of programs that are not part of the project: installed once per machine, at fixed versions."""

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import paths
from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.progress import say

UV: Final = Path(__file__).parents[1] / "uv"
INSTALL_S: Final = 1800.0


@dataclass(frozen=True, kw_only=True)
class PythonEnvironment:
    """Packages of an environment: *packages* with what they require, then *alone* without.

    *overrides* are requirements that win over those of the packages, in pip's notation. *is_compiled* compiles all
    modules, for a program that cannot write beside them; it takes minutes for a large environment.
    """

    name: str
    version: str
    packages: Sequence[str]
    overrides: Sequence[str] = ()
    alone: Sequence[str] = ()
    is_compiled: bool = False
    minutes: int

    @property
    def key(self) -> str:
        parts = [
            platform.machine(),
            platform.python_version(),
            str(self.is_compiled),
            *self.packages,
            "",
            *self.overrides,
            "",
            *self.alone,
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def folder(self) -> Path:
        """Return its folder, made first where it is missing. Raises ToolchainError where that fails."""
        folder = paths.cache() / "built" / f"{self.name}-{self.version}-{self.key}"
        with exclusive(paths.cache() / "locks" / self.name, self._wait):
            if not (folder / "pyvenv.cfg").exists():
                self._make(folder)
        return folder

    def _wait(self) -> None:
        say(f"another process installs {self.name}; waiting ...")

    def _make(self, folder: Path) -> None:
        """Install beside the target and rename at the end, so that an existing environment is complete."""
        say(f"installing {self.name} {self.version} with Python (about {self.minutes} min, once per machine) ...")
        fresh = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(fresh, ignore_errors=True)
        self._uv("venv", "--quiet", "--relocatable", "--python", sys.executable, str(fresh))
        compiled = ("--compile-bytecode",) if self.is_compiled else ()
        install = ("pip", "install", "--quiet", *compiled, "--python", str(fresh / "bin/python"))
        overrides = fresh / "overrides.txt"
        overrides.write_text("\n".join(self.overrides), encoding="utf-8")
        self._uv(*install, "--override", str(overrides), *self.packages)
        if self.alone:
            self._uv(*install, "--no-deps", *self.alone)
        fresh.rename(folder)

    def _uv(self, *arguments: str) -> None:
        done = subprocess.run([UV, *arguments], capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if done.returncode:
            raise ToolchainError(f"{self.name} {self.version} could not be installed:\n{done.stderr}")
