"""Download of pinned model files, which are stored only if size and SHA-256 match."""

import hashlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from synapse_engines.errors import ModelBuildError

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 20


@dataclass(frozen=True, kw_only=True)
class PinnedFile:
    """File at *url*, with its size in *bytes* and its digest."""

    name: str
    url: str
    bytes: int
    sha256: str


_REVISION = "9e6855bc4be717fca1ef21360a1db4b29d5c559a"
INSTRUCT = PinnedFile(
    name="chat",
    url=(
        f"https://huggingface.co/unsloth/SmolLM2-135M-Instruct-GGUF/resolve/{_REVISION}/"
        "SmolLM2-135M-Instruct-Q4_K_M.gguf"
    ),
    bytes=105_454_144,
    sha256="ed5fa30c487b282ec156c29062f1222e5c20875a944ac98289dbd242e947f747",
)
"""Small instruction-tuned model, Apache-2.0, which replaces the generated model of its name."""


class UnreachableError(ModelBuildError):
    """Download address that cannot be reached."""


def download(pinned: PinnedFile, path: Path, timeout_s: float = TIMEOUT_S) -> None:
    """Download *pinned* to *path*, unless it is there.

    Raises UnreachableError, and ModelBuildError for other content.
    """
    if path.is_file() and path.stat().st_size == pinned.bytes and _digest(path) == pinned.sha256:
        return
    part = path.with_suffix(".part")
    try:
        _receive(pinned, part, timeout_s)
        if (digest := _digest(part)) != pinned.sha256:
            raise ModelBuildError(f"{pinned.url}: SHA-256 is {digest}; accepted: {pinned.sha256}")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _receive(pinned: PinnedFile, part: Path, timeout_s: float) -> None:
    try:
        with urlopen(pinned.url, timeout=timeout_s) as response, part.open("wb") as file:  # noqa: S310 - pinned address
            left = pinned.bytes
            while left >= 0 and (data := response.read(CHUNK_BYTES)):
                file.write(data)
                left -= len(data)
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"{pinned.url}: {error}") from error
    if left:
        raise ModelBuildError(f"{pinned.url}: received {pinned.bytes - left} bytes; accepted: {pinned.bytes}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
