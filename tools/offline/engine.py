"""A private Pulumi engine: its own state, secrets and plugins, and a mirror of the project that it may write to."""

import functools
import os
import platform
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Any, Final

import psutil
import yaml

from tools.errors import ToolsError
from tools.offline.plugins.discovery import PLUGINS, ResolvedPlugin, find, provide
from tools.offline.toolchain import ResolvedProgram, resolve
from tools.progress import say

PRIVATE: Final = 0o700
POLL_S: Final = 0.1
DEBUG: Final = "SYNAPSE_DEBUG"  # set, Pulumi keeps its log, and the program the SDK's lines in it
PRIVATE_FILE: Final = 0o600
SETTINGS: Final = "Pulumi*.yaml"
NOT_MIRRORED: Final = {".git"}
KEPT_KEYS: Final = ("secretsprovider", "encryptedkey", "encryptionsalt")  # what Pulumi writes into a stack's file
DROPPED_VARIABLES: Final = ("PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG", "PULUMI_STACK")


class PulumiError(ToolsError):
    """Pulumi refused; the message is its own."""


@dataclass(frozen=True, kw_only=True)
class CommandOutput:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything it wrote, for a person."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class PulumiEngine:
    """Pulumi for one stack of the project in the folder `project`; everything it writes is under `state`."""

    stack: str
    state: Path
    kubeconfig: Path | None
    project: Path

    @property
    def mirror(self) -> Path:
        """The project as the engine sees it: Pulumi's own files are copies, all else are links."""
        return self.state / "project"

    @property
    def pulumi(self) -> Path:
        """The program that `run` and `capture` start."""
        return _used()[0].path

    def prepare(self, config: Mapping[str, object] | None = None) -> None:
        """Bring the mirror up to date, and make the stack where there is none.

        `config` has settings such as `{"synapse:phase": 2}` that win over the stack's file. Raises EngineError.
        """
        self._folders()
        self._free()
        self._mirror()
        self._write_stack_file(config or {})
        self.stack_init()

    def stack_init(self) -> None:
        """Make the stack unless it is there, and select it. Raises EngineError."""
        done = self.capture("stack", "select", "--create", self.stack)
        if done.code:
            raise PulumiError(f"the stack {self.stack} could not be made:\n{done.output}")

    def run(self, *arguments: str, stop: Event | None = None, output: IO[str] | None = None) -> int:
        """Run `pulumi` at the terminal, or print to *output*; returns its exit status.

        Once *stop* is set, or the caller is told to end, Pulumi is too: it stops what it can, and saves its state.
        """
        self._mend_checkpoint()
        process = subprocess.Popen([self.pulumi, *arguments], cwd=self.mirror, env=self.environment(), stdout=output)
        try:
            return _waited(process, stop or Event())
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()

    def capture(self, *arguments: str) -> CommandOutput:
        """Run `pulumi` without a terminal, for its output."""
        self._mend_checkpoint()
        quiet = ["--non-interactive", "--color=never"]
        done = subprocess.run(
            [self.pulumi, *arguments, *quiet],
            cwd=self.mirror,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return CommandOutput(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def environment(self) -> dict[str, str]:
        """What makes it private; the rest of the environment is the caller's."""
        own = {
            "PULUMI_HOME": str(self.state / "home"),
            "PULUMI_BACKEND_URL": (self.state / "backend").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.state / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "GOGC": os.environ.get("GOGC", "400"),  # it lives for seconds: memory it can have, collecting takes a tenth
        }
        if any(found.path is None for found in _used()[1]):
            own["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"  # there is nowhere to fetch from
        if self.kubeconfig:
            own["KUBECONFIG"] = str(self.kubeconfig.absolute())
        return {key: value for key, value in os.environ.items() if key not in DROPPED_VARIABLES} | own

    def _free(self) -> None:
        """Take away the locks of runs that were killed: nobody else would."""
        for lock in (self.state / "backend/.pulumi/locks").rglob("*.json"):
            holder = _loaded(lock)
            if holder.get("hostname") == platform.node() and not _is_pulumi(int(holder.get("pid", 0))):
                lock.unlink(missing_ok=True)

    def _mend_checkpoint(self) -> None:
        """Put the former checkpoint in the place of one whose writing was cut off; a refresh finds what it lacks.

        What the backend notes beside a file (its type and digest) it can do without, but not with a part of it.
        """
        for notes in (self.state / "backend/.pulumi/stacks").glob("*/*.attrs"):
            with suppress(FileNotFoundError):  # another command may do the same
                if not _is_whole(notes):
                    notes.unlink()
        for checkpoint in (self.state / "backend/.pulumi/stacks").glob(f"*/{self.stack}.json"):
            former = checkpoint.with_suffix(".json.bak")
            if not _is_whole(checkpoint) and former.exists() and _is_whole(former):
                shutil.copyfile(former, checkpoint)

    def _folders(self) -> None:
        for name in ("home", "backend", "project"):
            (self.state / name).mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        self.state.chmod(PRIVATE)
        self._logs(is_kept=DEBUG in os.environ)
        passphrase = self.state / "passphrase"
        if not passphrase.exists():
            passphrase.touch(PRIVATE_FILE)
            passphrase.write_text(secrets.token_urlsafe(32))
        for found in _used()[1]:
            provide(found, self.state / "home")

    def _logs(self, *, is_kept: bool) -> None:
        """Leave Pulumi no folder for its log of every property of every resource: it takes a tenth of a preview."""
        logs = self.state / "home/logs"
        if is_kept and logs.is_file():
            logs.unlink()
        elif not is_kept and not logs.is_file():
            shutil.rmtree(logs, ignore_errors=True)
            logs.touch()

    def _mirror(self) -> None:
        """Make and remove only what differs: another command may be running in there."""
        wanted = {entry.name: entry.absolute() for entry in self.project.iterdir() if is_linked(entry)}
        there = {entry.name: entry.readlink() for entry in self.mirror.iterdir() if entry.is_symlink()}
        for name, _ in there.items() - wanted.items():
            (self.mirror / name).unlink()
        for name, entry in wanted.items() - there.items():
            (self.mirror / name).symlink_to(entry)
        shutil.copyfile(self.project / "Pulumi.yaml", self.mirror / "Pulumi.yaml")

    def _write_stack_file(self, config: Mapping[str, object]) -> None:
        """The checkout's settings and `config`, with what Pulumi itself has written into our copy before."""
        name = f"Pulumi.{self.stack}.yaml"
        content, before = _loaded(self.project / name), _loaded(self.mirror / name)
        content["config"] = (content.get("config") or {}) | dict(config)
        for key in KEPT_KEYS:
            content.pop(key, None)
        content |= {key: before[key] for key in KEPT_KEYS if key in before}
        (self.mirror / name).write_text(yaml.safe_dump(content, sort_keys=False))


def _waited(process: subprocess.Popen[bytes], stop: Event) -> int:
    is_told = False
    while True:
        try:
            return process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            if stop.is_set() and not is_told:
                process.send_signal(signal.SIGINT)
                is_told = True
        except KeyboardInterrupt:  # Pulumi has heard it too
            continue


def _is_pulumi(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name().startswith("pulumi") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_linked(entry: Path) -> bool:
    """Whether it is only read: neither Pulumi's own settings nor the history of the checkout."""
    return entry.name not in NOT_MIRRORED and not entry.match(SETTINGS)


def _loaded(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


@functools.cache
def _used() -> tuple[ResolvedProgram, tuple[ResolvedPlugin, ...]]:
    """The programs that every engine of this process uses; says once which."""
    pulumi = resolve("pulumi")
    plugins = tuple(find(plugin, pulumi.path) for plugin in PLUGINS)
    say(f"pulumi v{pulumi.version} ({pulumi.origin}), {', '.join(map(str, plugins))}")
    return pulumi, plugins


def _is_whole(written: Path) -> bool:
    """Whether a file of JSON was written to its end, where its one object is closed."""
    return written.read_bytes().rstrip().endswith(b"}")
