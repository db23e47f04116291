"""Process that changes a voice library and is killed at its Nth step, for each N.

`python -m tests.gateway.voices.killed FOLDER` creates FOLDER/0, FOLDER/1, ..., each the library after a kill at step N.
A step is a system call that Python reports (open, rename, link, mkdir, remove) or a part that was written. For each N
it prints a line of JSON: the voices before, the changes confirmed before the kill, and if the process finished.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from synapse_gateway.api.voices.store import VoiceStore
from tests.gateway.sounds import wav

STEPS = {"open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.scandir", "os.listdir"}


class Countdown:
    """Kills this process after *left* steps."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(self, event: str, _args: tuple[Any, ...]) -> None:
        if event in STEPS:
            self.step()


class Sound:
    """Recording of 6 seconds, read in small parts, each of which is a step."""

    def __init__(self, fill: int, countdown: Countdown) -> None:
        self._data = wav(6, fill=fill)
        self._countdown = countdown

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, size: int, /) -> bytes:
        self._countdown.step()
        return self._data[offset : offset + min(size, 40_000)]


def change(root: Path, output: int, countdown: Countdown) -> None:
    """Create a voice, extend another, delete a third; write a line to *output* after each, as a confirmation."""
    first, second = json.loads((root / "before.json").read_text())
    sys.addaudithook(countdown.on_event)
    store = VoiceStore(root)
    created = store.create("made", "a", [Sound(3, countdown), Sound(4, countdown)])
    os.write(output, json.dumps({"made": created.voice_id}).encode() + b"\n")
    store.add(first, [Sound(5, countdown)])
    os.write(output, b'{"added": true}\n')
    store.delete(second)
    os.write(output, b'{"deleted": true}\n')
    store.close()
    os.write(output, b'{"closed": true}\n')


def prepare(root: Path) -> None:
    """Create a library with two voices."""
    store, silent = VoiceStore(root), Countdown(1_000_000)
    ids = [store.create(name, "a", [Sound(number, silent)]).voice_id for number, name in enumerate(("one", "two"), 1)]
    store.close()
    (root / "before.json").write_text(json.dumps(ids))


def killed_at(number: int, root: Path) -> tuple[dict[str, Any], bool]:
    """Return the changes confirmed by a process that is killed at step *number*, and if it was killed."""
    prepare(root)
    reader, output = os.pipe()
    if (child := os.fork()) == 0:
        change(root, output, Countdown(number))
        os._exit(0)
    os.close(output)
    with os.fdopen(reader, "rb") as lines:
        confirmed = {key: value for line in lines for key, value in json.loads(line).items()}
    _, status = os.waitpid(child, 0)
    return confirmed, os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    is_killed, number = True, 0
    while is_killed:
        root = folder / str(number)
        confirmed, is_killed = killed_at(number, root)
        before = json.loads((root / "before.json").read_text())
        print(json.dumps({"root": str(root), "before": before, **confirmed}))  # noqa: T201
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
