"""Request timeouts of Traefik, parsed from the values of its chart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

REQUEST_TIMEOUTS: Final = ("readTimeout", "writeTimeout")
"""Timeouts of an entry point that end a request in progress; `idleTimeout` applies between requests."""
COMPONENT: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Timeout at *key* of the values, in whole seconds; None where it cannot be parsed."""

    key: str
    value: object
    seconds: int | None


def limits(values: object) -> Iterator[Limit]:
    """Yield each timeout in the values; zero means no timeout."""
    for entry_point, port in _mapping(_mapping(values).get("ports")).items():
        timeouts = _mapping(_mapping(_mapping(port).get("transport")).get("respondingTimeouts"))
        for name in REQUEST_TIMEOUTS:
            value = timeouts.get(name)
            seconds = 0.0 if value is None else _seconds(str(value))
            if seconds != 0.0:
                key = f"ports.{entry_point}.transport.respondingTimeouts.{name}"
                yield Limit(key=key, value=value, seconds=None if seconds is None else int(seconds))


def _seconds(text: str) -> float | None:
    """Return the seconds of a duration in Go's notation; a bare number is seconds."""
    if text.isdecimal():
        return float(text)
    parts = COMPONENT.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
