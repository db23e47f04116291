"""One plain line per step on stderr, so that stdout stays a program's answer."""

import sys
from typing import Final

HEARTBEAT_S: Final = 15.0  # the longest a slow step stays silent


def say(line: str) -> None:
    """Print `line` at once; a log or a pipe gets the same text as a terminal."""
    print(f"synapse: {line}", file=sys.stderr, flush=True)  # noqa: T201
