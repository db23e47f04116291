"""Find Pulumi's official plugins on this machine, or provide a stand-in for each missing one."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from tools import paths

INSTALL_TIMEOUT_S: Final = 60.0
REFUSAL_LASTS_S: Final = 3600.0  # after a failed download there is no other attempt for this time
VERSION: Final = re.compile(r"-v(\d+)\.(\d+)\.(\d+)$")
PRIVATE: Final = 0o700


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin that the engine needs."""

    label: str
    kind: str  # `language` or `resource`
    name: str
    distribution: str  # the Python package with the same version
    module: str  # the stand-in

    @property
    def program(self) -> str:
        return f"pulumi-{self.kind}-{self.name}"

    @property
    def version(self) -> str:
        return metadata.version(self.distribution)


@dataclass(frozen=True, kw_only=True)
class ResolvedPlugin:
    """The plugin to use: the official program at *path*, or the stand-in where that is None."""

    plugin: Plugin
    path: Path | None
    version: str = ""

    def __str__(self) -> str:
        return f"{self.plugin.label}: {f'official {self.version}'.strip() if self.path else 'stand-in'}"


PLUGINS: Final = (
    Plugin(
        label="python language host",
        kind="language",
        name="python",
        distribution="pulumi",
        module="tools.offline.plugins.language_python",
    ),
    Plugin(
        label="kubernetes",
        kind="resource",
        name="kubernetes",
        distribution="pulumi-kubernetes",
        module="tools.offline.plugins.kubernetes",
    ),
    Plugin(
        label="command",
        kind="resource",
        name="command",
        distribution="pulumi-command",
        module="tools.offline.plugins.command",
    ),
)


def find(plugin: Plugin, pulumi: Path) -> ResolvedPlugin:
    """Return the official plugin where it is installed or can be downloaded, else the stand-in."""
    if path := shutil.which(plugin.program) or _beside(pulumi, plugin.program):
        return ResolvedPlugin(plugin=plugin, path=Path(path))
    homes = (Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi")), _home())
    for home in homes:
        if official := _installed(plugin, home):
            return official
    if plugin.kind == "resource" and _install(plugin, pulumi):
        return _installed(plugin, _home()) or ResolvedPlugin(plugin=plugin, path=None)
    return ResolvedPlugin(plugin=plugin, path=None)


def provide(resolved: ResolvedPlugin, home: Path) -> None:
    """Put the plugin into the plugin folder of an engine's home; one on PATH still wins."""
    plugin = resolved.plugin
    folder = home / "plugins" / f"{plugin.kind}-{plugin.name}-v{resolved.version or plugin.version}"
    for old in (home / "plugins").glob(f"{plugin.kind}-{plugin.name}-v*"):
        if old.is_dir() and old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, mode=PRIVATE, exist_ok=True)
    program = folder / plugin.program
    fresh = program.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    if resolved.path:
        fresh.symlink_to(resolved.path)
    else:
        fresh.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -u -m {plugin.module} "$@"\n')
        fresh.chmod(PRIVATE)
    fresh.replace(program)  # atomic: another engine with this home may be reading


def _home() -> Path:
    """Return the Pulumi home of downloaded official plugins, shared by all engines."""
    return paths.cache() / "pulumi"


def _beside(pulumi: Path, program: str) -> str | None:
    return shutil.which(program, path=str(pulumi.resolve().parent))


def _installed(plugin: Plugin, home: Path) -> ResolvedPlugin | None:
    """Return the newest installed plugin that fits the version of the Python package."""
    needed = tuple(int(part) for part in plugin.version.split(".")[:3])
    best: tuple[tuple[int, ...], Path] | None = None
    for folder in (home / "plugins").glob(f"{plugin.kind}-{plugin.name}-v*"):
        match, program = VERSION.search(folder.name), folder / plugin.program
        version = tuple(int(part) for part in match.groups()) if match else ()
        if version[:1] == needed[:1] and version >= needed and _is_official(program):
            best = max(best or (version, program), (version, program))
    return best and ResolvedPlugin(plugin=plugin, path=best[1], version=".".join(map(str, best[0])))


def _is_official(program: Path) -> bool:
    """Return whether the program exists and is not one of our scripts."""
    if not os.access(program, os.X_OK):
        return False
    with program.open("rb") as content:
        return content.read(2) != b"#!"


def _install(plugin: Plugin, pulumi: Path) -> bool:
    """Download the plugin with `pulumi`; a failure is recorded, so that the next start does not wait again."""
    refusal = _home() / f"{plugin.name}-{plugin.version}.refused"
    if refusal.exists() and time.time() - refusal.stat().st_mtime < REFUSAL_LASTS_S:
        return False
    refusal.parent.mkdir(parents=True, exist_ok=True)
    command = [str(pulumi), "plugin", "install", plugin.kind, plugin.name, plugin.version, "--non-interactive"]
    environment = os.environ | {"PULUMI_HOME": str(_home()), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        subprocess.run(command, env=environment, capture_output=True, check=True, timeout=INSTALL_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        refusal.touch()
        return False
    return True
