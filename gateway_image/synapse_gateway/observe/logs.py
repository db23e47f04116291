"""Logs: a line of JSON for each request and each event, never with a body, a header or a key."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

FLUSH_S = 0.1
ACCESS = "synapse_gateway.access"
QUIET = frozenset({"/livez", "/readyz", "/metrics", "/health", "/ui/{name}"})
"""Routes that probes request every few seconds, or a browser many at a time; logged only when they fail."""


class JsonFormatter(logging.Formatter):
    """One line of JSON per record."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id
        return msgspec.json.encode(line).decode()


class AccessLog:
    """Log of answered requests, buffered for a moment before it is written."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[bytes] = []
        self._encode = msgspec.json.Encoder().encode
        self._logger = logging.getLogger(ACCESS)

    def is_logged(self, route: str, status: int) -> bool:
        """Return True if a response is to be logged; check it before making a record, which costs time."""
        return (route not in QUIET or status >= 500) and self._logger.isEnabledFor(logging.INFO)

    def write(self, record: "AccessRecord") -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        self._lines.append(self._encode(record))
        if self._logger.handlers:  # the terminal feed is subscribed
            self._logger.info("%s %s %d %.0f ms", record.method, record.route, record.status, record.ms)

    def flush(self) -> None:
        """Write the buffered lines."""
        if self._lines:
            self._stream.write(b"\n".join([*self._lines, b""]).decode())
            self._stream.flush()
            self._lines.clear()


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Send the records of every logger to *stream*, as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger(ACCESS).propagate = False
    logging.captureWarnings(capture=True)


class AccessRecord(msgspec.Struct):
    """Log line of one answered request."""

    ts: float  # Unix seconds
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    backend: str | None
    key: str
    level: str = "INFO"
    logger: str = ACCESS
