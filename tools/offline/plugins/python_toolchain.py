"""Python of a program or policy pack, as the official language host chooses it: `uv`, `pip` or the one that runs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2 as messages

from tools.offline.plugins.responses import PluginError

TOOLCHAINS: Final = ("pip", "poetry", "uv")
OLDEST_UV: Final = (0, 4, 26)
UV_VERSION: Final = re.compile(r"uv (\d+)\.(\d+)(?:\.(\d+))?")
NO_UV: Final = "Could not find `uv` executable.\nInstall uv and make sure it is in your PATH."
NO_VIRTUALENV: Final = (
    'The \'virtualenv\' option in Pulumi.yaml is set to "{}", but "{}" doesn\'t exist; run the following commands to '
    "create the virtual environment and install dependencies into it:\n\n    1. python -m venv {}"
)


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The interpreter, and its virtual environment where it has one."""

    python: Path
    virtualenv: Path | None = None
    option: str = ""

    def check(self) -> None:
        """Raise PluginError where the virtual environment is none."""
        if self.virtualenv is None or self.python.is_file():
            return
        if self.option:
            raise PluginError(NO_VIRTUALENV.format(self.option, self.virtualenv, self.virtualenv))
        raise PluginError(f"'{self.virtualenv}' is not a virtualenv")

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with the virtual environment activated."""
        if self.virtualenv is None:
            return dict(variables)
        kept = {name: value for name, value in variables.items() if name != "PYTHONHOME"}
        path = os.pathsep.join(filter(None, [str(self.virtualenv / "bin"), kept.get("PATH")]))
        return kept | {"PATH": path, "VIRTUAL_ENV": str(self.virtualenv)}


def toolchain(info: messages.ProgramInfo) -> Toolchain:
    """Return the toolchain of a program. Raises PluginError where its program is missing."""
    options = MessageToDict(info.options)
    name, virtualenv = options.get("toolchain"), options.get("virtualenv", "")
    if name not in (None, *TOOLCHAINS):
        raise PluginError(f"unsupported toolchain option: {name}")
    root, program = Path(info.root_directory), Path(info.program_directory)
    if name == "uv" or (name is None and _above(program, "uv.lock")):
        _check_uv()
        return _of_virtualenv(root / virtualenv if virtualenv else _uv_virtualenv(program))
    if name == "poetry":
        raise PluginError("toolchain: poetry needs the official Python language host, which this machine does not have")
    if virtualenv:
        return _of_virtualenv(root / virtualenv, option=str(virtualenv))
    return Toolchain(python=Path(sys.executable))


def _of_virtualenv(folder: Path, option: str = "") -> Toolchain:
    return Toolchain(python=folder / "bin/python", virtualenv=folder, option=option)


def _check_uv() -> None:
    if shutil.which("uv") is None:
        raise PluginError(NO_UV)
    done = subprocess.run(["uv", "--version"], capture_output=True, text=True, check=False)  # noqa: S607 (found on PATH)
    match = UV_VERSION.match(done.stdout)
    if done.returncode or match is None:
        raise PluginError(f"failed to get uv version: {done.stdout}{done.stderr}")
    if tuple(int(part or 0) for part in match.groups()) < OLDEST_UV:
        oldest = ".".join(map(str, OLDEST_UV))
        raise PluginError(f"uv version {done.stdout.strip()} is less than the minimum required version {oldest}")


def _uv_virtualenv(program: Path) -> Path:
    home = _above(program, "uv.lock") or _above(program, "pyproject.toml") or program
    return home / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")


def _above(folder: Path, name: str) -> Path | None:
    return next((each for each in _upwards(folder) if (each / name).exists()), None)


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents
