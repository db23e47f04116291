"""Static files of the gateway's pages: read once, with an ETag and a content security policy."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response

FOLDER = Path(__file__).parents[1] / "ui"
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
SECURITY_POLICY: Mapping[str, str] = {
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
"""Sources that a page may load from; the browser refuses all others."""
HEADERS: Mapping[str, str] = {
    "content-security-policy": "; ".join(f"{directive} {sources}" for directive, sources in SECURITY_POLICY.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


@dataclass(frozen=True)
class StaticFile:
    """One file and its media type."""

    data: bytes
    media: str

    @cached_property
    def etag(self) -> str:
        """Hash of the content, so that all replicas send the same."""
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'

    def respond(self, call: Call) -> Response:
        """Return the file, or 304 where the client has this version."""
        cached = call.request.headers.get("if-none-match", "").replace("W/", "").split(",")
        headers = {**HEADERS, "etag": self.etag}
        if self.etag in {etag.strip() for etag in cached}:
            return call.respond(b"", self.media, 304, headers)
        return call.respond(self.data, self.media, 200, headers)

    def with_message(self, text: str) -> bytes:
        """Return the content with *text*, a message of the gateway's own, in place of `{{message}}`."""
        return self.data.replace(b"{{message}}", text.encode())


def load(folder: Path, paths: Iterable[Path]) -> Mapping[str, StaticFile]:
    """Read *paths*, by their path relative to *folder*; files of other types are left out."""
    return {
        path.relative_to(folder).as_posix(): StaticFile(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for path in paths
        if path.suffix in MEDIA_TYPES
    }


UI_FILES = load(FOLDER, sorted(FOLDER.rglob("*.*")))
"""Files of the dashboard and of the login page."""
