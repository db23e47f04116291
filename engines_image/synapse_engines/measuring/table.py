"""All measurements, as a table."""

from collections.abc import Callable

from synapse_engines.measuring import hearing, noise, speakers


async def write(say: Callable[[str], None]) -> None:
    """Each row as it comes: all of it takes minutes."""
    say("| Measured | Result |")
    say("| --- | --- |")
    for rows in (hearing.rows, speakers.rows, noise.rows):
        for about, result in await rows():
            say(f"| {about} | {result} |")
