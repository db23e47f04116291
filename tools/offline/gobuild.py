"""Build a program from a pinned Go module: slow, once per machine, with progress lines."""

import hashlib
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

from tools.errors import ToolchainError
from tools.offline.gopatch import patched
from tools.offline.pins import GoPackage, Pin
from tools.progress import HEARTBEAT_S, say

TAIL_LINES = 15
READONLY = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}  # go.sum decides, no C compiler needed


def key(source: GoPackage) -> str:
    """Return a key of everything that the program is built from, except the Go release."""
    digest = hashlib.sha256()
    for path in (source.module / "go.mod", source.module / "go.sum", *sorted(source.module.glob("*.go"))):
        digest.update(path.read_bytes())
    patch = [str(source.patch)] if source.patch else []
    digest.update("\0".join([platform.machine(), *_command(source, Path()), *patch]).encode())
    return digest.hexdigest()[:16]


def build(pin: Pin, target: Path, log: Path) -> None:
    """Write the program to `target`; Go's output goes to `log`, which is kept only on failure.

    Raises ToolchainError where Go is missing or the build fails.
    """
    go = _go(pin)
    started = time.monotonic()
    say(f"building {pin.name} {pin.version} from Go modules (about {pin.source.minutes} min, once per machine) ...")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output, patched(go, pin.source) as flags:
        process = subprocess.Popen(
            [go, *_command(pin.source, target, *flags)],
            cwd=pin.source.module,
            env=os.environ | READONLY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        code = _wait(process, pin, log, started)
    if code:
        raise ToolchainError(f"building {pin.name} {pin.version} failed; the whole log is {log}\n{_tail(log)}")
    log.unlink()
    say(f"{pin.name} done in {time.monotonic() - started:.0f} s")


def _command(source: GoPackage, target: Path, *flags: str) -> list[str]:
    """Return the arguments of `go`; `-v` prints each compiled package, which the progress line counts."""
    link = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in source.variables.items())])
    tags = ["-tags", ",".join(source.tags)] if source.tags else []
    return [
        "build",
        *flags,
        "-v",
        "-trimpath",
        "-buildvcs=false",
        *tags,
        "-ldflags",
        link,
        "-o",
        str(target),
        source.package,
    ]


def _go(pin: Pin) -> str:
    if go := shutil.which("go"):
        return go
    raise ToolchainError(
        f"{pin.name} {pin.version} is not on PATH, no release could be fetched, and Go to build it with is missing: "
        f"install {pin.name}, or Go 1.21 or newer (https://go.dev/dl), or connect this machine, and run this again."
    )


def _wait(process: subprocess.Popen[bytes], pin: Pin, log: Path, started: float) -> int:
    try:
        while True:
            try:
                return process.wait(HEARTBEAT_S)
            except subprocess.TimeoutExpired:
                packages = log.read_bytes().count(b"\n")
                say(f"{pin.name}: {time.monotonic() - started:.0f} s, {packages} packages ...")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
