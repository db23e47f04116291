"""Image store of K3s on this machine: images are imported, kept from the kubelet's garbage collection, and pruned.

The kubelet finds `name:tag@digest` where containerd has an image of the name `name@digest`; it then pulls nothing.
Standard library alone, since a build host runs this too.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from tools.errors import ImageError
from tools.images.build import Images
from tools.progress import say

K3S: Final = "k3s"
FOLDERS: Final = "/usr/local/bin:/opt/bin"
"""Folders of K3s' installer, which an SSH session does not always have on its PATH."""
KEPT: Final = 3
"""Images of one name that stay: the current one and two to roll back to."""
PINNED: Final = ("io.cri-containerd.pinned", "pinned")
"""Label of an image that the kubelet's garbage collection leaves alone; K3s sets it for its own images."""
IMPORTED: Final = "io.synapse.imported"
"""Label with the time of the import, in nanoseconds since 1970: containerd lists no times."""
TIMEOUT_S: Final = 600.0
COLUMNS: Final = 6
"""Least number of words in a line of `ctr images ls`: reference, type, digest, size (one or two), platforms, labels."""


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """One image of the store under all its names."""

    digest: str
    names: tuple[str, ...]
    imported: int = 0


def find() -> tuple[str, ...]:
    """Return the command `k3s ctr`, by sudo where it needs root and asks for no password. Raises ImageError."""
    host, accepted = socket.gethostname(), "accepted: the machine that is the stack's node, with K3s"
    program = shutil.which(K3S) or shutil.which(K3S, path=FOLDERS)
    if program is None:
        raise ImageError(f"{host} has no program {K3S}, so no image store of a node; {accepted}")
    own = (program, "ctr")
    tried = [_run([*command, "version"]) for command in (own, ("sudo", "--non-interactive", *own))]
    if not tried[0].returncode:
        return own
    if not tried[1].returncode:
        return ("sudo", "--non-interactive", *own)
    raise ImageError(
        f"{host}: K3s' containerd does not answer: {tried[0].stderr.strip()}; accepted: K3s is running, and the user "
        f"is root or may run `sudo -n {program} ctr version`"
    )


@dataclass(frozen=True)
class ImageStore:
    """K3s' containerd; *ctr* is the command that manages its images."""

    ctr: Sequence[str] = field(default_factory=find)

    def add(self, archive: Path, reference: str) -> None:
        """Import *archive* unless the store has *reference*, and remove old images of its name. Raises ImageError."""
        tagged, _, digest = reference.partition("@")
        names = (tagged, f"{repository(tagged)}@{digest}")
        if not set(names) <= set(self.names()):
            say(f"importing {tagged} into K3s on {socket.gethostname()} ...")
            with archive.open("rb") as content:
                self.run("images", "import", "-", stdin=content)
            self.run("images", "tag", "--force", *names)
        for name in names:
            self.run("images", "label", name, "=".join(PINNED), f"{IMPORTED}={time.time_ns()}")
        self.prune(repository(tagged))

    def names(self) -> list[str]:
        """Return the names of all images. Raises ImageError."""
        return self.run("images", "ls", "-q").split()

    def prune(self, name: str, keep: int = KEPT) -> tuple[str, ...]:
        """Remove all but the newest *keep* images called *name* and those of containers; return the removed names."""
        used = {words[1] for words in map(str.split, self.run("containers", "ls").splitlines()) if len(words) > 1}
        removed = tuple(superfluous(parse(self.run("images", "ls")), name, used, keep))
        if removed:
            self.run("images", "rm", *removed)
        return removed

    def run(self, *arguments: str, stdin: IO[bytes] | None = None) -> str:
        """Return the output of `ctr ARGUMENTS`. Raises ImageError with its message."""
        done = _run([*self.ctr, *arguments], stdin)
        if done.returncode:
            raise ImageError(f"containerd refused `{' '.join(arguments)}`: {done.stderr.strip()}")
        return done.stdout


def publish(images: Images, folder: Path) -> str:
    """Build *folder* and import its image into K3s on this machine; return its reference. Raises ImageError."""
    store = ImageStore()  # before the build: it may be missing
    built = images.build(folder)
    store.add(built.archive, built.reference)
    return built.reference


def repository(tagged: str) -> str:
    """Return the name without its tag."""
    return tagged.rpartition(":")[0]


def parse(listing: str) -> list[StoredImage]:
    """Return the images that `ctr images ls` lists, each once with all its names, those of containerd included."""
    lines = [words for words in map(str.split, listing.splitlines()[1:]) if len(words) >= COLUMNS]
    digests = dict.fromkeys(words[2] for words in lines)
    return [_image(digest, [words for words in lines if words[2] == digest]) for digest in digests]


def superfluous(images: Iterable[StoredImage], name: str, used: Iterable[str], keep: int) -> Iterator[str]:
    """Yield the names of images called *name* beyond the newest *keep*, less those that containers use."""
    own = [each for each in images if any(_is_called(other, name) for other in each.names)]
    own.sort(key=lambda each: -each.imported)
    for image in own[keep:]:
        if not set(image.names) & set(used):
            yield from image.names


def _image(digest: str, lines: Sequence[Sequence[str]]) -> StoredImage:
    times = (_labels(words[-1]).get(IMPORTED, "0") for words in lines)
    return StoredImage(digest=digest, names=tuple(words[0] for words in lines), imported=max(map(int, times)))


def _labels(text: str) -> Mapping[str, str]:
    pairs = (pair.partition("=") for pair in text.split(","))
    return {key: value for key, _, value in pairs}


def _is_called(reference: str, name: str) -> bool:
    return reference.startswith((f"{name}:", f"{name}@"))


def _run(command: Sequence[str], stdin: IO[bytes] | None = None) -> "subprocess.CompletedProcess[str]":
    given = stdin or subprocess.DEVNULL
    try:
        return subprocess.run(command, stdin=given, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
