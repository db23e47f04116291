"""Logs: one line of JSON per request and per log record, without bodies, headers and keys."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

if TYPE_CHECKING:
    from synapse_gateway.server.call import Call

FLUSH_S = 0.1
ACCESS = "synapse_gateway.access"
QUIET = frozenset({"/livez", "/readyz", "/metrics", "/health", "/ui/{name}"})
"""Routes of probes and of the dashboard's files, which are requested often; logged only if they fail."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

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
    """Log of answered requests; lines are collected for a moment and written together."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[bytes] = []
        self._encode = msgspec.json.Encoder().encode
        self._logger = logging.getLogger(ACCESS)

    def write(self, call: "Call", status: int, seconds: float) -> None:
        if (call.route in QUIET and status < 500) or not self._logger.isEnabledFor(logging.INFO):
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        self._lines.append(self._encode(_line(call, status, seconds)))
        if self._logger.handlers:  # the terminal feed
            self._logger.info("%s %s %d %.0f ms", call.request.method, call.route, status, seconds * 1000)

    def flush(self) -> None:
        """Write the collected lines."""
        if self._lines:
            self._stream.write(b"\n".join([*self._lines, b""]).decode())
            self._stream.flush()
            self._lines.clear()


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Write the records of all loggers to *stream* as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger(ACCESS).propagate = False
    logging.captureWarnings(capture=True)


class Line(msgspec.Struct):
    """Line of the access log."""

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


def _line(call: "Call", status: int, seconds: float) -> Line:
    route, milliseconds = call.route, round(seconds * 1000, 1)
    return Line(time(), call.id, call.request.method, route, status, milliseconds, call.backend, call.identity.name)
