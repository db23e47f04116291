"""Running a local command, and what of its output may be shown."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tools.plugins.answers import PluginError
from tools.plugins.children import Children
from tools.plugins.engine_log import EngineLog
from tools.plugins.values import Object, Secret, has_secret, revealed

SHELL: Final = ("/bin/sh", "-c")
STREAMS: Final = ("stdout", "stderr")
SHOWN: Final = {"stdout": ("stdout",), "stderr": ("stderr",), "none": ()}  # by `logging`; both by default


@dataclass(frozen=True)
class Runner:
    """Runs commands for the provider; `children` are those that run right now."""

    children: Children
    log: EngineLog

    def outputs(self, urn: str, command: str | None, inputs: Object, before: Object | None = None) -> Object:
        """The inputs, with what the command has printed; without a command that is nothing.

        `before` are the outputs of the run before, which the command finds in its environment. What is printed is
        secret, and not shown, as soon as any input is. Raises PluginError for any exit status but 0.
        """
        printed = dict.fromkeys(STREAMS, "")
        if command is not None:
            printed = self._run(command, revealed(inputs), revealed(before or {}))
        if has_secret(inputs):
            return inputs | {stream: Secret(text) for stream, text in printed.items()}
        self._show(urn, printed, str(inputs.get("logging", "")))
        return inputs | printed

    def _run(self, command: str, inputs: Object, before: Object) -> dict[str, str]:
        line = [*inputs.get("interpreter", SHELL), command]
        pipe = subprocess.PIPE
        environment = _environment(inputs, before)
        try:
            with self.children.started(
                line, cwd=inputs.get("dir"), env=environment, stdin=pipe, stdout=pipe, stderr=pipe
            ) as child:
                printed = child.communicate(inputs.get("stdin", "").encode())
        except OSError as error:
            raise PluginError(f"the command could not be started: {error}") from error
        stdout, stderr = (stream.decode(errors="replace").rstrip("\n") for stream in printed)
        if child.returncode:
            how = f"exit status {child.returncode}" if child.returncode > 0 else f"ended by signal {-child.returncode}"
            raise PluginError(f"{how}: running {command!r}:\n{stderr or stdout}")
        return {"stdout": stdout, "stderr": stderr}

    def _show(self, urn: str, printed: Mapping[str, str], logging: str) -> None:
        for stream in SHOWN.get(logging, STREAMS):
            if printed[stream]:
                self.log.say(urn, printed[stream])


def _environment(inputs: Object, before: Object) -> dict[str, str]:
    previous = {f"PULUMI_COMMAND_{stream.upper()}": before[stream] for stream in STREAMS if stream in before}
    if inputs.get("addPreviousOutputInEnv") is False:
        previous = {}
    own: dict[str, str] = inputs.get("environment", {})
    return os.environ | previous | own
