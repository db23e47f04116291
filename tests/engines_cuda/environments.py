"""Environments of `engines_image/environments`, installed once per machine, without the engines' own source."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from infra.settings.model import ROOT
from tools import paths
from tools.locks import exclusive
from tools.progress import say

SOURCE = ROOT / "engines_image"
NAMES = ("chatterbox", "kokoro", "pyannote", "whisper")
UV = ROOT / "tools/uv"
INSTALL_S = 1500


def environment(name: str) -> Path:
    """Return the folder of the environment *name*, installed first where it is missing."""
    project = SOURCE / "environments" / name
    folder = paths.cache() / "built" / f"engines-{name}-{_digest(project)}"
    with exclusive(
        paths.cache() / "locks" / f"engines-{name}", lambda: say(f"another process installs {name}; waiting ...")
    ):
        if not (folder / "pyvenv.cfg").exists():
            _install(project, folder)
    return folder


def install_source(folder: Path) -> Path:
    """Install the package of the engines alone into *folder*, as an image has it, for `PYTHONPATH`."""
    _uv("pip", "install", "--no-deps", "--reinstall", "--python", sys.executable, "--target", str(folder), str(SOURCE))
    return folder


def libraries(folder: Path) -> Path:
    """Return the folder of the packages of the environment *folder*."""
    (packages,) = folder.glob("lib/python*/site-packages")
    return packages


def _install(project: Path, folder: Path) -> None:
    """Install beside the target and rename at the end, so that an existing environment is complete."""
    say(f"installing the environment {project.name} (up to 5 GB, once per machine) ...")
    fresh = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    _uv("venv", "--relocatable", "--python", sys.executable, str(fresh))
    options = ("--locked", "--no-dev", "--no-install-package", "synapse-engines", "--python", sys.executable)
    _uv("sync", "--project", str(project), *options, environment=fresh)
    fresh.rename(folder)


def _uv(command: str, *arguments: str, environment: Path | None = None) -> None:
    variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment)} if environment else None
    call = [str(UV), command, *arguments, "--quiet"]
    done = subprocess.run(call, env=variables, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    assert done.returncode == 0, done.stderr


def _digest(project: Path) -> str:
    parts = [(project / name).read_bytes() for name in ("pyproject.toml", "uv.lock")]
    parts += [platform.machine().encode(), platform.python_version().encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
