"""Fetching files to where they are kept: resumed where they broke off, and there only if they are what they should be.

It runs wherever Python is, so it needs nothing beside the standard library: `carrying.py` takes it into the cluster.
What it does it tells as JSON, a line for each step.
"""

import errno
import hashlib
import json
import os
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PART: Final = 1 << 20
TIMEOUT_S: Final = 60.0
TRIES: Final = 5
"""In a row that bring no byte; each waits twice as long as the one before."""
FIRST_PAUSE_S: Final = 1.0
SPARE: Final = 64 << 20
"""Bytes that stay free on the disk."""
TELL_S: Final = 0.5
BROKEN: Final = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
PARTIAL, PAST_THE_END = 206, 416
GIT: Final = "git:"
Tell = Callable[[dict[str, Any]], None]


class FetchError(Exception):
    """A file cannot be had; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A file of *size* bytes from *url* at *path*; *digest* is its SHA-256, or its name as a blob of git: `git:...`.

    *is_doubted*: one that is there must have the digest too, or is fetched anew; it stays until the new one is whole.
    """

    url: str
    path: str
    size: int
    digest: str | None = None
    is_doubted: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be in the folder *root* in the end: files, links to them, and small texts, by their paths there.

    *room*: bytes that must be free beside, for what somebody else is going to write.
    """

    root: str
    items: Sequence[Item] = ()
    room: int = 0
    links: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def read_order(text: str) -> Order:
    found = json.loads(text)
    return Order(**{**found, "items": [Item(**item) for item in found["items"]]})


class Fetcher:
    """Carries out orders. *token* is for the host of an address alone, not for where that sends on to."""

    def __init__(self, tell: Tell, token: str | None = None, pause: Callable[[float], None] = time.sleep) -> None:
        self._tell, self._token, self._pause = tell, token, pause
        self._told_at = 0.0

    def run(self, order: Order) -> None:
        """Raises FetchError; what came until then is taken up by the next run."""
        root = Path(order.root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            missing = [item for item in order.items if not self._is_there(root, item)]
            check_room(root, missing, order.room)
            for item in missing:
                self._fetch(root, item)
            _finish(root, order)
        except OSError as error:
            raise FetchError(_says(error)) from error

    def _is_there(self, root: Path, item: Item) -> bool:
        """What has its name was whole when it got it."""
        path = root / item.path
        found = path.is_file() and path.stat().st_size == item.size
        if found and item.is_doubted and item.digest:
            found = digest(path, item.digest) == item.digest
        if found:
            self._tell({"file": item.path, "done": item.size, "size": item.size, "state": "was there"})
        return found

    def _fetch(self, root: Path, item: Item) -> None:
        part = part_of(root, item)
        part.parent.mkdir(parents=True, exist_ok=True)
        self._complete(item, part)
        if item.digest and (found := digest(part, item.digest)) != item.digest:
            part.unlink()
            raise FetchError(
                f"{item.url}: its digest is {found}; accepted: {item.digest}. What came was thrown away: either the "
                "file has changed, or something on the way changes it"
            )
        part.replace(root / item.path)
        self._tell({"file": item.path, "done": item.size, "size": item.size, "state": "fetched"})

    def _complete(self, item: Item, part: Path) -> None:
        """Ask until all of it is there, each time for what is missing."""
        if not part.exists() or part.stat().st_size > item.size:
            part.write_bytes(b"")
        tries = 0
        while (before := part.stat().st_size) != item.size:
            why = self._asked(item, part, before)
            tries = 0 if part.stat().st_size > before else tries + 1
            if tries == TRIES:
                raise FetchError(
                    f"{item.url}: it breaks off at {before} of {item.size} bytes ({why}); "
                    "run this again later, and it goes on there"
                )
            if part.stat().st_size != item.size:
                self._pause(FIRST_PAUSE_S * 2**tries)

    def _asked(self, item: Item, part: Path, start: int) -> str:
        """Add what comes to *part*; why it ended, if not at its end. Raises FetchError for what no try would mend."""
        try:
            with urlopen(self._request(item, start), timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s), see below
                self._store(item, part, answer)
        except HTTPError as error:
            return self._refused(item, part, error)
        except BROKEN as error:
            return str(error)
        return "the connection was closed"

    def _request(self, item: Item, start: int) -> Request:
        if not item.url.startswith(("http://", "https://")):
            raise FetchError(f"{item.url}: accepted: an address that begins with https:// or http://")
        request = Request(item.url, headers={"Accept-Encoding": "identity"})  # noqa: S310 - checked above
        if start:
            request.add_header("Range", f"bytes={start}-")
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return request

    def _store(self, item: Item, part: Path, answer: HTTPResponse) -> None:
        """A server without ranges sends all of it again."""
        with part.open("ab" if answer.status == PARTIAL else "wb") as file:
            while data := answer.read(PART):
                file.write(data)
                if file.tell() > item.size:
                    part.unlink()
                    raise FetchError(f"{item.url}: more than the {item.size} bytes came that it is said to have")
                self._progress(item, file.tell())

    def _progress(self, item: Item, done: int) -> None:
        if (now := time.monotonic()) - self._told_at >= TELL_S:
            self._told_at = now
            self._tell({"file": item.path, "done": done, "size": item.size})

    def _refused(self, item: Item, part: Path, error: HTTPError) -> str:
        if error.code == PAST_THE_END:
            size = part.stat().st_size
            part.unlink()
            raise FetchError(f"{item.url}: it ends after {size} bytes, and is said to have {item.size}") from error
        if error.code in {401, 403}:
            raise FetchError(
                f"{item.url}: {error.code} {error.reason}; it needs a token of somebody who has accepted its licence: "
                "set the stack's hfToken"
            ) from error
        if error.code not in PASSING:
            raise FetchError(f"{item.url}: {error.code} {error.reason}") from error
        return f"{error.code} {error.reason}"


def part_of(root: Path, item: Item) -> Path:
    """Where it is until it is whole."""
    path = root / item.path
    return path.with_name(f"{path.name}.part")


def check_room(root: Path, items: Sequence[Item], room: int = 0) -> None:
    """Raises FetchError unless what is missing of *items*, and *room* bytes, fit the disk of *root*."""
    parts = [(item, part_of(root, item)) for item in items]
    needed = room + sum(
        item.size - min(item.size, part.stat().st_size if part.is_file() else 0) for item, part in parts
    )
    free = shutil.disk_usage(root).free
    if needed and needed + SPARE > free:
        raise FetchError(
            f"{root}: {_gib(needed)} are to come, {_gib(free)} are free, of which {_gib(SPARE)} stay so; nothing was "
            "fetched: make room, or give the service a larger `disk`"
        )


def digest(path: Path, like: str) -> str:
    """SHA-256 of a file, or its name as a blob of git where *like* is one."""
    found = hashlib.sha1(usedforsecurity=False) if like.startswith(GIT) else hashlib.sha256()
    if like.startswith(GIT):
        found.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while data := file.read(PART):
            found.update(data)
    return f"{GIT if like.startswith(GIT) else ''}{found.hexdigest()}"


def _finish(root: Path, order: Order) -> None:
    for path, target in order.links.items():
        link = root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    for path, text in order.texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _says(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full: {error.filename or 'nothing more can be written'}; make room, and it goes on there"
    return f"{error.filename or 'the disk'}: {error.strerror or error}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"


def main() -> int:
    """Carry out the order in the environment."""

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)  # noqa: T201 - this is how it tells

    try:
        Fetcher(tell, os.environ.get("TOKEN")).run(read_order(os.environ["ORDER"]))
    except FetchError as error:
        tell({"fault": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
