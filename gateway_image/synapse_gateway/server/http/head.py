"""The head of a request: what of it is taken, and what is refused although it parses."""

import re

ABSOLUTE = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)
ONCE = frozenset({b"host", b"content-length", b"content-type", b"authorization", b"transfer-encoding"})


class TooManyAheadError(Exception):
    """The client sends on and on, and does not wait for its answers."""


class RefusedHeadError(Exception):
    """The head of a request that is parsed and still not taken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def origin(target: str) -> str:
    """*target* as a server is asked for it: before it, a proxy is sent scheme and host, which change nothing."""
    return "/" + ABSOLUTE.sub("", target).removeprefix("/")


def headers(found: list[tuple[bytes, bytes]], version: str) -> dict[str, str]:
    """Headers by name; what may stand only once does, whatever another parser would make of it."""
    result: dict[str, str] = {}
    for name, value in found:
        key = name.decode("latin-1")
        if key in result:
            if name in ONCE:
                raise RefusedHeadError(400, f"the header {key} is there twice")
            result[key] += ("; " if name == b"cookie" else ", ") + value.decode("latin-1")
        else:
            result[key] = value.decode("latin-1")
    if "host" not in result and version == "1.1":
        raise RefusedHeadError(400, "the header host is missing")
    return result
