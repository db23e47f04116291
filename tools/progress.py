"""Progress lines on stderr, so that stdout has only a command's result."""

import functools
import sys
from typing import Final

HEARTBEAT_S: Final = 15.0  # longest silence of a slow step


@functools.cache
def warn_once(line: str) -> None:
    """Print `line` at its first use in this process only."""
    say(line)


def say(line: str) -> None:
    """Print `line` at once, as the same text to a terminal, a log or a pipe."""
    print(f"synapse: {line}", file=sys.stderr, flush=True)  # noqa: T201
