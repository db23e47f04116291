"""Download an official release and check it against its pinned checksum before any use."""

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

SILENCE_S = 5.0  # timeout to connect, and between two pieces of the download
CHUNK_BYTES = 1 << 20
ALGORITHMS = {64: "sha256", 128: "sha512"}  # by the length of a checksum in hex


class ReleaseUnreachableError(Exception):
    """The download failed; another source may work."""


def checksum(pin: PublishedProgram) -> str | None:
    """Return the pinned checksum for this machine, or None where no release may be used."""
    return pin.release.checksum.get(platform.machine()) if platform.system() == "Linux" else None


def program(pin: PublishedProgram, folder: Path) -> Path:
    """Return the path of the program in the folder of its release."""
    member = pin.release.program
    return folder / (_for_here(pin, member) if member else pin.name)


def fetch(pin: PublishedProgram, folder: Path) -> None:
    """Download the release into `folder`.

    Raises ReleaseUnreachableError where the download fails, and ChecksumError for a release other than the pinned one.
    """
    download = folder / "download"
    digest = _download(pin, download)
    if digest != checksum(pin):
        download.unlink()
        raise ChecksumError(
            f"{_for_here(pin, pin.release.url)}: this download is not {pin.name} {pin.version}. "
            f"Its checksum is {digest}, pinned is {checksum(pin)}. "
            "It was deleted; find out why before changing the pin."
        )
    if pin.release.program:
        _unpack(pin, download, folder)
    else:
        download.rename(program(pin, folder)).chmod(0o755)


def _for_here(pin: PublishedProgram, text: str) -> str:
    return text.format(arch=pin.release.arch.get(platform.machine(), platform.machine()))


def _download(pin: PublishedProgram, target: Path) -> str:
    """Write the release to `target`; return its checksum."""
    url = _for_here(pin, pin.release.url)
    say(f"downloading {pin.name} {pin.version} from {url} ...")
    try:
        with urllib.request.urlopen(url, timeout=SILENCE_S) as response, target.open("wb") as file:  # noqa: S310
            return _copy(response, file, hashlib.new(ALGORITHMS[len(checksum(pin) or "")]))
    except (OSError, HTTPException) as error:
        raise ReleaseUnreachableError(str(error)) from error


def _copy(response: HTTPResponse, file: BinaryIO, digest: "hashlib._Hash") -> str:
    size, reported = 0, time.monotonic()
    while chunk := response.read(CHUNK_BYTES):
        digest.update(chunk)
        size += file.write(chunk)
        if time.monotonic() - reported > HEARTBEAT_S:
            reported = time.monotonic()
            say(f"{size >> 20} MiB ...")
    if size != int(response.headers.get("Content-Length", size)):
        raise OSError("the connection ended early")
    return digest.hexdigest()


def _unpack(pin: PublishedProgram, archive: Path, folder: Path) -> None:
    members = {_for_here(pin, name) for name in pin.release.only}
    with tarfile.open(archive) as tar:
        for member in tar:
            if not members or member.name in members:
                _extract(tar, member, folder.resolve())
    archive.unlink()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one regular file inside `folder`; the Python of Debian 12 has no tarfile filters."""
    target = (folder / member.name).resolve()
    if not member.isreg() or not target.is_relative_to(folder):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - it is a regular file
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)
