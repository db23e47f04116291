"""Download files to a folder: resumed where a transfer broke off, and visible only once complete and checked.

`huggingface_hub` makes the requests. Its own cache removes the incomplete file of a run that fails and compares no
digest, so the incomplete file, the check and the final name are ours.
"""

import errno
import hashlib
import io
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get

ATTEMPTS: Final = 5
"""Attempts in a row that bring no byte; each waits twice as long as the one before."""
RESERVE: Final = 64 << 20
"""Bytes that stay free on the disk."""
CHUNK: Final = 1 << 20
REPORT_INTERVAL_S: Final = 0.5
TEMPORARY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
RANGE_NOT_SATISFIABLE: Final = 416
GIT: Final = "git:"
Report = Callable[[dict[str, Any]], None]


class DownloadError(Exception):
    """A file cannot be downloaded; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of *size* bytes at *url*, and its *path* in the folder; *name* is what people are shown.

    *digest*: its SHA-256, or `git:` and the name of its git blob; None where the server publishes none.
    *verify_existing*: compare the digest of a file that is there already, too; it stays until the new one is complete.
    """

    url: str
    name: str
    path: str
    size: int
    digest: str | None = None
    token: str | None = field(default=None, repr=False)
    verify_existing: bool = False


@dataclass(frozen=True, kw_only=True)
class DownloadPlan:
    """Content that the folder *root* is to have: files to download, links to them, and small texts, by their paths."""

    root: Path
    files: Sequence[RemoteFile]
    links: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


class PartFile(io.BufferedWriter):
    """An incomplete file that calls *progress* with its size after each write."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._progress = progress

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - every kind of buffer
        written = super().write(data)
        self._progress(self.tell())
        return written


class Downloader:
    """Run downloads; *report* gets an event for each step."""

    def __init__(self, report: Report, pause: Callable[[float], None] = time.sleep) -> None:
        self._report, self._pause = report, pause
        self._reported_at = 0.0

    def run(self, plan: DownloadPlan) -> None:
        """Download what is missing. Raises DownloadError; the next run continues where this one stopped."""
        try:
            plan.root.mkdir(parents=True, exist_ok=True)
            missing = [file for file in plan.files if not self._exists(plan.root, file)]
            check_room(plan.root, sum(_remaining(plan.root, file) for file in missing))
            for file in missing:
                self._download(plan.root, file)
            _finish(plan)
        except OSError as error:
            raise DownloadError(describe_os_error(error)) from error

    def _exists(self, root: Path, file: RemoteFile) -> bool:
        """Check the size, as a file only gets its name once it is complete."""
        path = root / file.path
        matches = path.is_file() and path.stat().st_size == file.size
        if matches and file.verify_existing and file.digest:
            matches = compute_digest(path, file.digest) == file.digest
        if matches:
            self._report({"file": file.name, "done": file.size, "size": file.size, "state": "was there"})
        return matches

    def _download(self, root: Path, file: RemoteFile) -> None:
        part = part_path(root, file)
        part.parent.mkdir(parents=True, exist_ok=True)
        self._complete(file, part)
        if file.digest and (digest := compute_digest(part, file.digest)) != file.digest:
            part.unlink()
            raise DownloadError(
                f"{file.url}: its digest is {digest}; accepted: {file.digest}. The download was discarded: either the "
                "file has changed, or a proxy on the network path changes it"
            )
        part.replace(root / file.path)
        self._report({"file": file.name, "done": file.size, "size": file.size, "state": "fetched"})

    def _complete(self, file: RemoteFile, part: Path) -> None:
        """Request the missing rest until the file is complete."""
        part.touch()
        if part.stat().st_size > file.size:
            part.write_bytes(b"")
        failures = 0
        while (start := part.stat().st_size) != file.size:
            reason = self._request(file, part, start)
            failures = 0 if part.stat().st_size > start else failures + 1
            if failures == ATTEMPTS:
                raise DownloadError(
                    f"{file.url}: the transfer breaks off at {start} of {file.size} bytes ({reason}); "
                    "run the same command again later: it continues there"
                )
            if part.stat().st_size != file.size:
                self._pause(2.0**failures)

    def _request(self, file: RemoteFile, part: Path, start: int) -> str:
        """Append the rest to *part* and return why the transfer ended. Raises DownloadError if no retry helps."""
        headers = {"accept-encoding": "identity"}
        if file.token:
            headers["authorization"] = f"Bearer {file.token}"
        try:
            with PartFile(part, lambda size: self._progress(file, size)) as output:
                # No expected size: the library would refuse files of more than 50 GB.
                http_get(file.url, output, resume_size=start, headers=headers, displayed_filename=file.name)
        except HfHubHTTPError as error:
            return _retry_reason(file, part, error)
        except httpx2.HTTPError as error:
            return str(error)
        except DownloadError:
            part.unlink()
            raise
        return "the connection was closed"

    def _progress(self, file: RemoteFile, size: int) -> None:
        if size > file.size:
            raise DownloadError(f"{file.url}: the server sends more than the {file.size} bytes that it announced")
        if (now := time.monotonic()) - self._reported_at >= REPORT_INTERVAL_S:
            self._reported_at = now
            self._report({"file": file.name, "done": size, "size": file.size})


def part_path(root: Path, file: RemoteFile) -> Path:
    """Return the path of the incomplete file."""
    path = root / file.path
    return path.with_name(f"{path.name}.part")


def _remaining(root: Path, file: RemoteFile) -> int:
    """Return the bytes that an earlier run has not downloaded."""
    part = part_path(root, file)
    return file.size - min(file.size, part.stat().st_size if part.is_file() else 0)


def check_room(root: Path, size: int) -> None:
    """Raises DownloadError unless *size* more bytes fit the disk of *root*."""
    free = shutil.disk_usage(root).free
    if size and size + RESERVE > free:
        raise DownloadError(
            f"{root}: the download needs {_gib(size)}, {_gib(free)} are free, of which {_gib(RESERVE)} are reserved; "
            "nothing was downloaded: make room, or give the service a larger `disk`"
        )


def compute_digest(path: Path, like: str) -> str:
    """Return the SHA-256 of a file, or the name of its git blob where *like* is one."""
    is_git = like.startswith(GIT)
    digest = hashlib.sha1(usedforsecurity=False) if is_git else hashlib.sha256()
    if is_git:
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as content:
        while data := content.read(CHUNK):
            digest.update(data)
    return f"{GIT if is_git else ''}{digest.hexdigest()}"


def describe_http_error(error: HfHubHTTPError) -> str:
    status = f"{error.response.status_code} {error.response.reason_phrase}"
    if error.response.status_code in {401, 403}:
        return (
            f"{status}; it needs the token of an account that has accepted its licence on the hub: set the stack's "
            "hfToken"
        )
    return status


def describe_os_error(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full: {error.filename or 'no more data can be written'}; make room, then run it again"
    return f"{error.filename or 'the disk'}: {error.strerror or error}"


def _retry_reason(file: RemoteFile, part: Path, error: HfHubHTTPError) -> str:
    """Return the reason of a temporary failure. Raises DownloadError for every other one."""
    if error.response.status_code == RANGE_NOT_SATISFIABLE:
        size = part.stat().st_size
        part.unlink()
        raise DownloadError(f"{file.url}: it ends after {size} bytes, not after the announced {file.size}") from error
    description = describe_http_error(error)
    if error.response.status_code not in TEMPORARY:
        raise DownloadError(f"{file.url}: {description}") from error
    return description


def _finish(plan: DownloadPlan) -> None:
    for path, target in plan.links.items():
        link = plan.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    for path, text in plan.texts.items():
        (plan.root / path).parent.mkdir(parents=True, exist_ok=True)
        (plan.root / path).write_text(text, encoding="utf-8")


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
