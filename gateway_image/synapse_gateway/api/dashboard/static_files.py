"""The files of the dashboard, as they are sent: read once, tagged by their content, allowed only what they need."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response

FOLDER = Path(__file__).parents[2] / "ui"
MEDIA: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
SOURCES: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "blob:",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
"""Where a page may take what from; anything else is refused by the browser."""
HEADERS: Mapping[str, str] = {
    "content-security-policy": "; ".join(f"{kind} {place}" for kind, place in SOURCES.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


@dataclass(frozen=True)
class Page:
    """One file and what it is sent with."""

    data: bytes
    media: str

    @property
    def tag(self) -> str:
        """The same for the same bytes, on every replica."""
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'

    def send(self, call: Call) -> Response:
        """The file, or 304 where the client has it."""
        known = call.request.headers.get("if-none-match", "").replace("W/", "").split(",")
        headers = {**HEADERS, "etag": self.tag}
        if self.tag in {tag.strip() for tag in known}:
            return call.respond(b"", self.media, 304, headers)
        return call.respond(self.data, self.media, 200, headers)

    def filled(self, text: str) -> bytes:
        """The file with *text*, which is one of our own sentences, at its one gap."""
        return self.data.replace(b"{{message}}", text.encode())


def load(folder: Path = FOLDER) -> Mapping[str, Page]:
    """Every file of *folder*, by its path there."""
    return {
        path.relative_to(folder).as_posix(): Page(path.read_bytes(), MEDIA[path.suffix])
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in MEDIA
    }


PAGES = load()
