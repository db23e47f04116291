"""A private Pulumi engine: its own state, secrets and plugins, and a mirror of the project, to which it writes."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Any, Final

import yaml

from tools.control_plane.files import write_private
from tools.errors import ToolsError
from tools.offline import uv
from tools.offline.backend import StateBackend, readable
from tools.offline.kept_secrets import SALT, SECURE, KeptSecrets, is_secure
from tools.offline.passphrase import Passphrase
from tools.offline.plugins.discovery import PLUGINS, ResolvedPlugin, find, provide
from tools.offline.toolchain import ResolvedProgram, resolve
from tools.progress import say

PRIVATE: Final = 0o700
CHECKOUT: Final = Path(__file__).resolve().parents[2]
POLL_S: Final = 0.1
DEBUG: Final = "SYNAPSE_DEBUG"  # where set, Pulumi keeps its log, with the SDK's lines of the program
SETTINGS: Final = "Pulumi*.yaml"
PROJECT: Final = "Pulumi.yaml"
LOCK_FILE: Final = "uv.lock"
NOT_MIRRORED: Final = {".git"}
KEPT_KEYS: Final = ("secretsprovider", "encryptedkey", SALT)  # keys that Pulumi writes into a stack file
DROPPED_VARIABLES: Final = ("PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG", "PULUMI_STACK")


class PulumiError(ToolsError):
    """A Pulumi command failed; the message is its output."""


@dataclass(frozen=True, kw_only=True)
class CommandOutput:
    """Exit code and output of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Combined output, for messages."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class PulumiEngine:
    """Pulumi for one stack of the project in the folder `project`; it writes only below `state`."""

    stack: str
    state: Path
    kubeconfig: Path | None
    project: Path

    @property
    def mirror(self) -> Path:
        """The project as the engine sees it: Pulumi's files are copies, all others are links."""
        return self.state / "project"

    @property
    def pulumi(self) -> Path:
        """The executable that `run` and `capture` start."""
        return _programs()[0].path

    @property
    def backend(self) -> StateBackend:
        """The state of the stack."""
        return StateBackend(self.state / "backend", self.stack)

    @property
    def kept(self) -> KeptSecrets:
        """Secrets that this engine keeps; they win over the stack file's."""
        return KeptSecrets(self.state)

    def prepare(self, config: Mapping[str, object] | None = None, secrets: Mapping[str, str] | None = None) -> None:
        """Update the mirror, and make the stack where it is missing.

        `config` has settings such as `{"synapse:phase": 2}` that win over the stack file, and `secrets` the values that
        its `secure:` texts stand for; a text without one is left out. Raises PulumiError and PassphraseError.
        """
        self._folders()
        self.backend.remove_stale_locks()
        self._mirror()
        self._write_stack_file(config or {}, secrets or {})
        self.stack_init()

    def config(self) -> dict[str, Any]:
        """Return the config of the mirror's stack file, as Pulumi reads it."""
        return dict(readable(self._stack_file).get("config") or {})

    def keep_changes(self, before: Mapping[str, Any]) -> tuple[str, ...]:
        """Keep the secrets that Pulumi has set or removed since `config()` was *before*.

        Returns the other keys that it has changed: they are in the mirror only, which is written anew.
        """
        after, kept = self.config(), self.kept.config()
        changed = {key for key in before.keys() | after.keys() if _text(before.get(key)) != _text(after.get(key))}
        ours = {key for key in changed if is_secure(after.get(key)) or (key in kept and key not in after)}
        if ours:
            values = {key: value for key, value in (kept | after).items() if key in after and key in ours | kept.keys()}
            self.kept.replace(values, readable(self._stack_file).get(SALT))
        return tuple(sorted(changed - ours))

    def stack_init(self) -> None:
        """Make the stack unless it exists, and select it. Raises PulumiError."""
        done = self.capture("stack", "select", "--create", self.stack)
        if done.code:
            raise PulumiError(f"the stack {self.stack} could not be made:\n{done.output}")

    def run(self, *arguments: str, stop: Event | None = None, output: IO[str] | None = None) -> int:
        """Run `pulumi` at the terminal, or with its output to *output*; return the exit status.

        Once *stop* is set, or this process is terminated, Pulumi is interrupted and saves its state.
        """
        self.backend.repair()
        process = subprocess.Popen([self.pulumi, *arguments], cwd=self.mirror, env=self.environment(), stdout=output)
        try:
            return _wait(process, stop or Event())
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()

    def capture(self, *arguments: str) -> CommandOutput:
        """Run `pulumi` without a terminal and return its output."""
        self.backend.repair()
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
        """Return the environment of `pulumi`: the caller's, with variables that keep this engine apart."""
        own = uv.environment() | {
            "PULUMI_HOME": str(self.state / "home"),
            "PULUMI_BACKEND_URL": (self.state / "backend").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.state / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The program's commands build images with these: components/image.py has no path of a machine in it.
            "SYNAPSE_CHECKOUT": os.environ.get("SYNAPSE_CHECKOUT", str(CHECKOUT)),
            "SYNAPSE_PYTHON": os.environ.get("SYNAPSE_PYTHON", sys.executable),
            "GOGC": os.environ.get("GOGC", "400"),  # short-lived: collect less often, which saves a tenth of the time
        }
        if any(plugin.path is None for plugin in _programs()[1]):
            own["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"  # it would wait for a download that fails
        if self.kubeconfig:
            own["KUBECONFIG"] = str(self.kubeconfig.absolute())
        return {key: value for key, value in os.environ.items() if key not in DROPPED_VARIABLES} | own

    def _folders(self) -> None:
        for name in ("home", "backend", "project"):
            (self.state / name).mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        self.state.chmod(PRIVATE)
        self._logs(is_kept=DEBUG in os.environ)
        self.kept.ensure_passphrase()
        for plugin in _programs()[1]:
            provide(plugin, self.state / "home")

    def _logs(self, *, is_kept: bool) -> None:
        """Put a file in the place of Pulumi's log folder: logging every property takes a tenth of a preview."""
        logs = self.state / "home/logs"
        if is_kept and logs.is_file():
            logs.unlink()
        elif not is_kept and not logs.is_file():
            shutil.rmtree(logs, ignore_errors=True)
            logs.touch()

    def _mirror(self) -> None:
        """Update only links that differ: another command may be using the mirror."""
        targets = {LOCK_FILE: CHECKOUT / LOCK_FILE}  # the language host reads it, for a project without its own too
        targets |= {entry.name: entry.absolute() for entry in self.project.iterdir() if is_linked(entry)}
        links = {entry.name: entry.readlink() for entry in self.mirror.iterdir() if entry.is_symlink()}
        for name, _ in links.items() - targets.items():
            (self.mirror / name).unlink()
        for name, entry in targets.items() - links.items():
            (self.mirror / name).symlink_to(entry)
        (self.mirror / PROJECT).write_text(yaml.safe_dump(self._manifest(), sort_keys=False))

    def _manifest(self) -> dict[str, Any]:
        """Return the project's Pulumi.yaml, whose program runs in the environment of this process."""
        options = {"toolchain": "uv", "virtualenv": sys.prefix}
        return _loaded(self.project / PROJECT) | {"runtime": {"name": "python", "options": options}}

    @property
    def _stack_file(self) -> Path:
        return self.mirror / f"Pulumi.{self.stack}.yaml"

    def _write_stack_file(self, config: Mapping[str, object], secrets: Mapping[str, str]) -> None:
        """Write the checkout's settings, `config` and all secrets, and keep Pulumi's own keys of the mirror's file."""
        content, before = _loaded(self.project / self._stack_file.name), readable(self._stack_file)
        for key in KEPT_KEYS:
            content.pop(key, None)
        content |= {key: before[key] for key in KEPT_KEYS if key in before}
        if salt := self.kept.salt:
            content[SALT] = salt
        plain = {key: value for key, value in (content.get("config") or {}).items() if not is_secure(value)}
        content["config"] = plain | dict(config) | self._sealed(secrets, content) | self.kept.config()
        write_private(self._stack_file, yaml.safe_dump(content, sort_keys=False))

    def _sealed(self, secrets: Mapping[str, str], content: dict[str, Any]) -> dict[str, object]:
        """Encrypt *secrets* under the salt in *content*, which gets one where it has none."""
        if not secrets:
            return {}
        phrase = self.kept.ensure_passphrase()
        passphrase = Passphrase(phrase, content[SALT]) if SALT in content else Passphrase.new(phrase)
        content[SALT] = passphrase.salt
        return {key: {SECURE: passphrase.encrypt(value)} for key, value in secrets.items()}


def _wait(process: subprocess.Popen[bytes], stop: Event) -> int:
    is_interrupted = False
    while True:
        try:
            return process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            if stop.is_set() and not is_interrupted:
                process.send_signal(signal.SIGINT)
                is_interrupted = True
        except KeyboardInterrupt:  # Pulumi got the signal too
            continue


def is_linked(entry: Path) -> bool:
    """Return whether the mirror links this entry: all but Pulumi's settings and the git history."""
    return entry.name not in NOT_MIRRORED and not entry.match(SETTINGS)


def _loaded(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


@functools.cache
def _programs() -> tuple[ResolvedProgram, tuple[ResolvedPlugin, ...]]:
    """Return the programs of every engine in this process; they are printed once."""
    pulumi = resolve("pulumi")
    plugins = tuple(find(plugin, pulumi.path) for plugin in PLUGINS)
    say(f"pulumi v{pulumi.version} ({pulumi.origin}), {', '.join(map(str, plugins))}")
    return pulumi, plugins


def _text(value: object) -> str:
    """Return a value of a stack file as a text to compare: Pulumi writes 6 as "6", also within a list."""
    if isinstance(value, Mapping):
        return json.dumps({str(key): _text(item) for key, item in value.items()}, sort_keys=True)
    if isinstance(value, list):
        return json.dumps([_text(item) for item in value])
    return value if isinstance(value, str) else json.dumps(value)
