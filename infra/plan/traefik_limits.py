"""How long Traefik lets a request take, read out of the values that its chart is installed with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

CUTTING: Final = ("readTimeout", "writeTimeout")
"""Of an entry point's timeouts those that end a request under way; `idleTimeout` only waits for the next one."""
PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What the values say at *key*: whole seconds, None where they cannot be read."""

    key: str
    value: object
    seconds: int | None


def limits(values: object) -> Iterator[Limit]:
    """Each limit that the values set; zero is none."""
    for entry_point, port in _mapping(_mapping(values).get("ports")).items():
        timeouts = _mapping(_mapping(_mapping(port).get("transport")).get("respondingTimeouts"))
        for name in CUTTING:
            value = timeouts.get(name)
            seconds = 0.0 if value is None else _seconds(str(value))
            if seconds != 0.0:
                key = f"ports.{entry_point}.transport.respondingTimeouts.{name}"
                yield Limit(key=key, value=value, seconds=None if seconds is None else int(seconds))


def _seconds(text: str) -> float | None:
    """Of a duration as Go writes it; a bare number is seconds."""
    if text.isdecimal():
        return float(text)
    parts = PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
