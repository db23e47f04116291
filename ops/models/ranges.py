"""The first bytes of a file by HTTP: by a range where the server has them, else by ending the transfer early."""

import re
from dataclasses import dataclass
from typing import Final

import httpx

PARTIAL: Final = 206
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, kw_only=True)
class Start:
    """First bytes of a file of *size* bytes."""

    content: bytes
    size: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status of a response, and the bytes where it has them."""

    status: int
    reason: str
    start: Start | None = None


def read_whole(client: httpx.Client, url: str, headers: dict[str, str], most: int) -> Answer:
    """Return the file at *url*, at most its first *most* bytes. Raises httpx.HTTPError."""
    with client.stream("GET", url, headers=headers) as response:
        content = _take(response, most) if response.is_success else b""
        return _answer(response, content, len(content))


def read_start(
    client: httpx.Client, url: str, headers: dict[str, str], length: int, before: Start | None = None
) -> Answer:
    """Return the first *length* bytes of *url*, those of *before* not read again. Raises httpx.HTTPError."""
    offset = len(before.content) if before else 0
    fields = {**headers, "Range": f"bytes={offset}-{length - 1}", "Accept-Encoding": "identity"}
    with client.stream("GET", url, headers=fields) as response:
        if response.status_code == PARTIAL:
            size = _total(response, offset)
            content = (before.content if before else b"") + _take(response, min(length, size) - offset)
        else:
            content = _take(response, length) if response.is_success else b""
            size = int(response.headers.get("Content-Length", len(content)))
        if response.is_success and len(content) < min(length, size):
            raise httpx.RemoteProtocolError(f"it ended after {len(content)} of {min(length, size)} bytes")
        return _answer(response, content, size)


def _take(response: httpx.Response, length: int) -> bytes:
    """Return at most *length* bytes of the body."""
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) >= length:
            break
    return bytes(content[:length])


def _total(response: httpx.Response, offset: int) -> int:
    """Return the size of the file of a partial answer. Raises httpx.HTTPError for another part than *offset*."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != offset:
        raise httpx.RemoteProtocolError(f"its Content-Range is {response.headers.get('Content-Range')!r}")
    return int(match[3])


def _answer(response: httpx.Response, content: bytes, size: int) -> Answer:
    start = Start(content=content, size=size) if response.is_success else None
    return Answer(status=response.status_code, reason=response.reason_phrase, start=start)
