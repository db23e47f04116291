"""Run a build's programs with their output in a log and progress lines at the terminal."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.errors import ImageError
from tools.progress import HEARTBEAT_S, say

TAIL_LINES: Final = 20
END_S: Final = 10.0


def logged(what: str, command: Sequence[str], log: Path, more: Mapping[str, str] | None = None) -> None:
    """Run *command* with *more* in its environment. Raises ImageError on failure; else the log is removed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        code = _wait(what, process, log)
    if code:
        raise ImageError(f"{what} failed; the whole log is {log}\n{_tail(log, TAIL_LINES)}")
    log.unlink()


def output_of(command: Sequence[str], timeout_s: float, more: Mapping[str, str] | None = None) -> str | None:
    """Return the output of *command*; None where it fails, is missing or takes longer than *timeout_s*."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(more or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _wait(what: str, process: subprocess.Popen[bytes], log: Path) -> int:
    started = time.monotonic()
    try:
        while True:
            try:
                return process.wait(HEARTBEAT_S)
            except subprocess.TimeoutExpired:
                say(f"{what}: {time.monotonic() - started:.0f} s, {_tail(log, 1)[:100]} ...")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(END_S)


def _tail(log: Path, lines: int) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
