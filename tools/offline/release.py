"""Fetch an official release: checked against its pinned checksum before a byte of it is used."""

import hashlib
import platform
import shutil
import tarfile
import time
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO

from tools.errors import ChecksumError
from tools.offline.pins import PublishedProgram
from tools.progress import HEARTBEAT_S, say

SILENCE_S = 5.0  # to connect, and between two pieces of the download
CHUNK_BYTES = 1 << 20
ALGORITHMS = {64: "sha256", 128: "sha512"}  # by the length of a checksum in hex


class ReleaseUnreachableError(Exception):
    """The download did not arrive; another source may do."""


def checksum(pin: PublishedProgram) -> str | None:
    """What this machine's release must hash to, or None where no release may be used."""
    return pin.release.checksum.get(platform.machine()) if platform.system() == "Linux" else None


def program(pin: PublishedProgram, folder: Path) -> Path:
    """Where the program lies in the folder of its release."""
    member = pin.release.program
    return folder / (_for_here(pin, member) if member else pin.name)


def fetch(pin: PublishedProgram, folder: Path) -> None:
    """Put the release's files in `folder`.

    Raises ReleaseUnreachableError where it cannot be had and ChecksumError where it is not the pinned one.
    """
    download = folder / "download"
    found = _download(pin, download)
    if found != checksum(pin):
        download.unlink()
        raise ChecksumError(
            f"{_for_here(pin, pin.release.url)}: this download is not {pin.name} {pin.version}. "
            f"It hashes to {found}, pinned is {checksum(pin)}. It was deleted; find out why before changing the pin."
        )
    if pin.release.program:
        _unpack(pin, download, folder)
    else:
        download.rename(program(pin, folder)).chmod(0o755)


def _for_here(pin: PublishedProgram, text: str) -> str:
    return text.format(arch=pin.release.arch.get(platform.machine(), platform.machine()))


def _download(pin: PublishedProgram, target: Path) -> str:
    """Write the release to `target`; returns what it hashes to."""
    url = _for_here(pin, pin.release.url)
    say(f"fetching {pin.name} {pin.version} from {url} ...")
    try:
        with urllib.request.urlopen(url, timeout=SILENCE_S) as answer, target.open("wb") as file:  # noqa: S310
            return _copy(answer, file, hashlib.new(ALGORITHMS[len(checksum(pin) or "")]))
    except (OSError, HTTPException) as error:
        raise ReleaseUnreachableError(str(error)) from error


def _copy(answer: HTTPResponse, file: BinaryIO, digest: "hashlib._Hash") -> str:
    size, said = 0, time.monotonic()
    while chunk := answer.read(CHUNK_BYTES):
        digest.update(chunk)
        size += file.write(chunk)
        if time.monotonic() - said > HEARTBEAT_S:
            said = time.monotonic()
            say(f"{size >> 20} MiB ...")
    if size != int(answer.headers.get("Content-Length", size)):
        raise OSError("the connection ended early")
    return digest.hexdigest()


def _unpack(pin: PublishedProgram, archive: Path, folder: Path) -> None:
    wanted = {_for_here(pin, name) for name in pin.release.only}
    with tarfile.open(archive) as tar:
        for member in tar:
            if not wanted or member.name in wanted:
                _extract(tar, member, folder.resolve())
    archive.unlink()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one regular file inside `folder`; Debian 12's Python is older than tarfile's own filters."""
    target = (folder / member.name).resolve()
    if not member.isreg() or not target.is_relative_to(folder):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - it is a regular file
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)
