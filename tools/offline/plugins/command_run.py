"""Run a command, local or over SSH, and show its output unless it is secret."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Final

from tools.offline.plugins import ssh
from tools.offline.plugins.child_processes import ChildProcesses
from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.responses import PluginError
from tools.offline.plugins.values import Object, Secret, has_secret, revealed

SHELL: Final = ("/bin/sh", "-c")
STREAMS: Final = ("stdout", "stderr")
SHOWN: Final = {"stdout": ("stdout",), "stderr": ("stderr",), "none": ()}  # by `logging`; both by default
CONNECTION: Final = "connection"
OnLine = Callable[[str, str], object]


@dataclass(frozen=True)
class CommandRunner:
    """Runs commands for the provider; `children` are the running ones."""

    children: ChildProcesses
    log: EngineLog

    def outputs(self, urn: str, command: str | None, inputs: Object, before: Object | None = None) -> Object:
        """Run the command and return the inputs with its output, empty without a command.

        `before` are the outputs of the previous run, which the command gets in its environment. The output is secret,
        and not shown, if any input is secret other than the key of a connection. Raises PluginError for an exit status
        other than 0.
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
        """Copy a file to another machine; a partial copy is never visible. Raises PluginError."""
        script = 'mkdir -p "$(dirname "$TO")" && cat > "$TO.part" && mv "$TO.part" "$TO"'
        quoted = "'" + to.replace("'", "'\\''") + "'"
        inputs = {CONNECTION: connection}
        try:
            with file.open("rb") as content:
                self._run(f"TO={quoted}; {script}", inputs, {}, lambda *_: None, content)
        except OSError as error:
            raise PluginError(f"{file}: cannot be read: {error.strerror}") from error

    def _run(
        self, command: str, inputs: Object, before: Object, on_line: OnLine, stdin: IO[bytes] | None = None
    ) -> dict[str, str]:
        pipe = subprocess.PIPE
        environment = _environment(inputs, before)
        try:
            with (
                _command_line(command, inputs) as line,
                self.children.started(
                    line, cwd=inputs.get("dir"), env=environment, stdin=stdin or pipe, stdout=pipe, stderr=pipe
                ) as child,
            ):
                printed = _read(child, inputs.get("stdin", "").encode(), on_line)
        except OSError as error:
            raise PluginError(f"the command could not be started: {error}") from error
        if child.returncode:
            raise PluginError(_failure(command, inputs, child.returncode, printed))
        return printed


@contextmanager
def _command_line(command: str, inputs: Object) -> Iterator[list[str]]:
    if CONNECTION in inputs:
        with ssh.command_prefix(inputs[CONNECTION]) as words:
            yield [*words, command]
    else:
        yield [*inputs.get("interpreter", SHELL), command]


def _read(child: subprocess.Popen[bytes], stdin: bytes, on_line: OnLine) -> dict[str, str]:
    """Return the whole output; *on_line* gets each line as it arrives."""
    lines: dict[str, list[str]] = {stream: [] for stream in STREAMS}
    readers = [Thread(target=_follow, args=(getattr(child, name), name, lines[name], on_line)) for name in STREAMS]
    for reader in readers:
        reader.start()
    if child.stdin:
        _write(child.stdin, stdin)
    for reader in readers:
        reader.join()
    child.wait()
    return {stream: "".join(parts).rstrip("\n") for stream, parts in lines.items()}


def _follow(pipe: IO[bytes], stream: str, lines: list[str], on_line: OnLine) -> None:
    with pipe:
        for raw in pipe:
            line = raw.decode(errors="replace")
            lines.append(line)
            on_line(stream, line.rstrip("\n"))


def _write(pipe: IO[bytes], content: bytes) -> None:
    try:
        with pipe:
            pipe.write(content)
    except BrokenPipeError:  # the process has ended or does not read; its exit status decides
        pass


def _failure(command: str, inputs: Object, code: int, printed: Mapping[str, str]) -> str:
    if CONNECTION in inputs and (error := ssh.connection_error(inputs[CONNECTION], code, printed["stderr"])):
        return error
    status = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
    return f"{status}: running {command!r}:\n{printed['stderr'] or printed['stdout']}"


def _environment(inputs: Object, before: Object) -> dict[str, str]:
    previous = {f"PULUMI_COMMAND_{stream.upper()}": before[stream] for stream in STREAMS if stream in before}
    if inputs.get("addPreviousOutputInEnv") is False:
        previous = {}
    own: dict[str, str] = inputs.get("environment", {})
    return os.environ | previous | own
