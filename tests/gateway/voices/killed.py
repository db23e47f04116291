"""A process that changes a voice library and is killed at a point of its choice: at every one, in turn.

`python -m tests.gateway.voices.killed FOLDER` makes FOLDER/0, FOLDER/1, ... each the library after a kill at the Nth of
the system's calls that Python reports (open, rename, link, mkdir, remove), or at the Nth part that was written. For
each it prints a line of JSON: what was there before, what was acknowledged before the kill, and whether it came to its
end.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from synapse_gateway.api.voices.store import VoiceStore
from tests.gateway.sounds import wav

WATCHED = {"open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.scandir", "os.listdir"}


class Countdown:
    """Kills this process at the *left*-th thing that it does."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(self, event: str, _args: tuple[Any, ...]) -> None:
        if event in WATCHED:
            self.step()


class Sound:
    """A recording of 6 seconds that comes in small parts, each of which is a point to be killed at."""

    def __init__(self, fill: int, countdown: Countdown) -> None:
        self._data = wav(6, fill=fill)
        self._countdown = countdown

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, size: int, /) -> bytes:
        self._countdown.step()
        return self._data[offset : offset + min(size, 40_000)]


def change(root: Path, told: int, countdown: Countdown) -> None:
    """Make a voice, add to it, delete another; write a line to *told* after each, as an answer to a client."""
    first, second = json.loads((root / "before.json").read_text())
    sys.addaudithook(countdown.on_event)
    store = VoiceStore(root)
    made = store.create("made", "a", [Sound(3, countdown), Sound(4, countdown)])
    os.write(told, json.dumps({"made": made.voice_id}).encode() + b"\n")
    store.add(first, [Sound(5, countdown)])
    os.write(told, b'{"added": true}\n')
    store.delete(second)
    os.write(told, b'{"deleted": true}\n')
    store.close()
    os.write(told, b'{"closed": true}\n')


def prepared(root: Path) -> None:
    """A library with two voices."""
    store, silent = VoiceStore(root), Countdown(1_000_000)
    ids = [store.create(name, "a", [Sound(number, silent)]).voice_id for number, name in enumerate(("one", "two"), 1)]
    store.close()
    (root / "before.json").write_text(json.dumps(ids))


def killed_at(number: int, root: Path) -> tuple[dict[str, Any], bool]:
    """What was acknowledged by a process that is killed at its *number*-th step, and whether it was killed."""
    prepared(root)
    heard, told = os.pipe()
    if (child := os.fork()) == 0:
        change(root, told, Countdown(number))
        os._exit(0)
    os.close(told)
    with os.fdopen(heard, "rb") as answers:
        acknowledged = {key: value for line in answers for key, value in json.loads(line).items()}
    _, status = os.waitpid(child, 0)
    return acknowledged, os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    is_killed, number = True, 0
    while is_killed:
        root = folder / str(number)
        acknowledged, is_killed = killed_at(number, root)
        before = json.loads((root / "before.json").read_text())
        print(json.dumps({"root": str(root), "before": before, **acknowledged}))  # noqa: T201
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
