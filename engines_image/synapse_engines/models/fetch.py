"""Fetching a file, which is there in the end only if it is what it should be."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from synapse_engines.models.minilm import ModelError
from synapse_engines.models.pins import Pin

PART = 1 << 20
TIMEOUT_S = 20


class AwayError(ModelError):
    """Nothing could be fetched: there is no way to the address."""


def fetch(pin: Pin, path: Path, timeout_s: float = TIMEOUT_S) -> None:
    """The file of *pin* at *path*, unless it is there. Raises AwayError, and ModelError for another content."""
    if path.is_file() and path.stat().st_size == pin.bytes and _digest(path) == pin.sha256:
        return
    part = path.with_suffix(".part")
    try:
        _download(pin, part, timeout_s)
        if (found := _digest(part)) != pin.sha256:
            raise ModelError(f"{pin.url}: SHA-256 is {found}; accepted: {pin.sha256}")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _download(pin: Pin, part: Path, timeout_s: float) -> None:
    try:
        with urlopen(pin.url, timeout=timeout_s) as answer, part.open("wb") as file:  # noqa: S310 - ours, and checked
            left = pin.bytes
            while left >= 0 and (data := answer.read(PART)):
                file.write(data)
                left -= len(data)
    except (OSError, HTTPException) as error:
        raise AwayError(f"{pin.url}: {error}") from error
    if left:
        raise ModelError(f"{pin.url}: {pin.bytes - left} bytes came; accepted: {pin.bytes}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
