"""Running a command, here or over SSH, and what of its output may be shown."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Final

from tools.offline.plugins import ssh
from tools.offline.plugins.answers import PluginError
from tools.offline.plugins.children import ChildProcesses
from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.values import Object, Secret, has_secret, revealed

SHELL: Final = ("/bin/sh", "-c")
STREAMS: Final = ("stdout", "stderr")
SHOWN: Final = {"stdout": ("stdout",), "stderr": ("stderr",), "none": ()}  # by `logging`; both by default
CONNECTION: Final = "connection"
OnLine = Callable[[str, str], object]


@dataclass(frozen=True)
class CommandRunner:
    """Runs commands for the provider; `children` are those that run right now."""

    children: ChildProcesses
    log: EngineLog

    def outputs(self, urn: str, command: str | None, inputs: Object, before: Object | None = None) -> Object:
        """The inputs, with what the command has printed; without a command that is nothing.

        `before` are the outputs of the run before, which the command finds in its environment. What is printed is
        secret, and not shown, as soon as any input is but the key of a connection. Raises PluginError for any exit
        status but 0.
        """
        printed = dict.fromkeys(STREAMS, "")
        is_secret = has_secret({key: value for key, value in inputs.items() if key != CONNECTION})
        shown = () if is_secret else SHOWN.get(str(inputs.get("logging", "")), STREAMS)
        if command is not None:
            printed = self._run(
                command,
                revealed(inputs),
                revealed(before or {}),
                lambda stream, line: self.log.say(urn, line) if stream in shown else None,
            )
        return inputs | {stream: Secret(text) if is_secret else text for stream, text in printed.items()}

    def send(self, file: Path, to: str, connection: Mapping[str, object]) -> None:
        """Put a file on another machine, whole or not at all. Raises PluginError."""
        script = 'mkdir -p "$(dirname "$TO")" && cat > "$TO.part" && mv "$TO.part" "$TO"'
        quoted = "'" + to.replace("'", "'\\''") + "'"
        inputs = {CONNECTION: connection}
        try:
            with file.open("rb") as content:
                self._run(f"TO={quoted}; {script}", inputs, {}, lambda *_: None, content)
        except OSError as error:
            raise PluginError(f"{file}: cannot be read: {error.strerror}") from error

    def _run(
        self, command: str, inputs: Object, before: Object, tell: OnLine, stdin: IO[bytes] | None = None
    ) -> dict[str, str]:
        pipe = subprocess.PIPE
        environment = _environment(inputs, before)
        try:
            with (
                _line(command, inputs) as line,
                self.children.started(
                    line, cwd=inputs.get("dir"), env=environment, stdin=stdin or pipe, stdout=pipe, stderr=pipe
                ) as child,
            ):
                printed = _read(child, inputs.get("stdin", "").encode(), tell)
        except OSError as error:
            raise PluginError(f"the command could not be started: {error}") from error
        if child.returncode:
            raise PluginError(_failure(command, inputs, child.returncode, printed))
        return printed


@contextmanager
def _line(command: str, inputs: Object) -> Iterator[list[str]]:
    if CONNECTION in inputs:
        with ssh.way(inputs[CONNECTION]) as words:
            yield [*words, command]
    else:
        yield [*inputs.get("interpreter", SHELL), command]


def _read(child: subprocess.Popen[bytes], stdin: bytes, tell: OnLine) -> dict[str, str]:
    """Everything that it prints, each line told as it comes."""
    found: dict[str, list[str]] = {stream: [] for stream in STREAMS}
    readers = [Thread(target=_follow, args=(getattr(child, name), name, found[name], tell)) for name in STREAMS]
    for reader in readers:
        reader.start()
    if child.stdin:
        _write(child.stdin, stdin)
    for reader in readers:
        reader.join()
    child.wait()
    return {stream: "".join(lines).rstrip("\n") for stream, lines in found.items()}


def _follow(pipe: IO[bytes], stream: str, lines: list[str], tell: OnLine) -> None:
    with pipe:
        for raw in pipe:
            line = raw.decode(errors="replace")
            lines.append(line)
            tell(stream, line.rstrip("\n"))


def _write(pipe: IO[bytes], content: bytes) -> None:
    try:
        with pipe:
            pipe.write(content)
    except BrokenPipeError:  # it has ended, or does not read: its exit status says which
        pass


def _failure(command: str, inputs: Object, code: int, printed: Mapping[str, str]) -> str:
    if CONNECTION in inputs and (refusal := ssh.refusal(inputs[CONNECTION], code, printed["stderr"])):
        return refusal
    how = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
    return f"{how}: running {command!r}:\n{printed['stderr'] or printed['stdout']}"


def _environment(inputs: Object, before: Object) -> dict[str, str]:
    previous = {f"PULUMI_COMMAND_{stream.upper()}": before[stream] for stream in STREAMS if stream in before}
    if inputs.get("addPreviousOutputInEnv") is False:
        previous = {}
    own: dict[str, str] = inputs.get("environment", {})
    return os.environ | previous | own
