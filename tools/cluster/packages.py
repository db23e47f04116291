"""Programs of a node that Debian has: unpacked into the cache and not installed, so that no daemon starts.

Without apt, all of them have to be installed.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import paths
from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.progress import say

PACKAGES: Final = (
    "busybox-static",
    "containerd",
    "containernetworking-plugins",
    "ipset",
    "iproute2",
    "iptables",
    "mount",
    "runc",
)
PROGRAMS: Final = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "ip", "ipset", "iptables", "iptables-save")
CNI: Final = ("bridge", "host-local", "loopback", "portmap")
CNI_FOLDERS: Final = ("usr/lib/cni", "opt/cni/bin")
ALTERNATIVES: Final = tuple(f"ip{six}tables{what}" for six in ("", "6") for what in ("", "-save", "-restore"))
MULTI: Final = "xtables-nft-multi"  # what Debian's installation makes the alternatives links to
# Of the system, and not of whoever calls: the same machine, the same node.
BIN: Final = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
RELEASE: Final = Path("/etc/os-release")
APT_S: Final = 900
TAIL_LINES: Final = 5


@dataclass(frozen=True)
class NodePrograms:
    """Where a node finds what it runs: in an unpacked tree first, then on the machine itself."""

    root: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """What makes programs of the tree find each other, their libraries and their plugins."""
        libraries = self._under(*(f"{folder}/{platform.machine()}-linux-gnu" for folder in ("usr/lib", "lib")))
        found = {"PATH": os.pathsep.join((*self._under(*BIN), *(f"/{folder}" for folder in BIN))), "HOME": "/root"}
        if libraries:
            found["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
            found["XTABLES_LIBDIR"] = f"{libraries[0]}/xtables"
        return found

    def program(self, name: str) -> Path:
        """Raises ToolchainError where it is nowhere."""
        found = shutil.which(name, path=self.environment["PATH"])
        if found is None:
            raise ToolchainError(f"a cluster needs {name}, which is nowhere in /usr: install it, or use `make twin`")
        return Path(found)

    def cni(self) -> dict[str, Path]:
        """The network plugins by name. Raises ToolchainError where one is missing."""
        roots = [root for root in (self.root, Path("/")) if root]
        folders = [root / folder for root in roots for folder in CNI_FOLDERS]
        for folder in folders:
            if all((folder / name).exists() for name in CNI):
                return {name: folder / name for name in CNI}
        places_ = ", ".join(f"/{folder}" for folder in CNI_FOLDERS)
        raise ToolchainError(f"a cluster needs the CNI plugins {', '.join(CNI)} in one of {places_}: install them")

    def _under(self, *folders: str) -> tuple[str, ...]:
        return tuple(str(self.root / folder) for folder in folders) if self.root else ()


def programs() -> NodePrograms:
    """All that Debian has to bring, unpacked first where it must be. Raises ToolchainError where it cannot be had."""
    found = NodePrograms(_unpacked() if shutil.which("apt-get") and shutil.which("dpkg") else None)
    for name in PROGRAMS:
        found.program(name)
    found.cni()
    return found


def _unpacked() -> Path:
    release = RELEASE.read_bytes() if RELEASE.exists() else b""
    key = hashlib.sha256(b"\0".join([*(name.encode() for name in PACKAGES), release])).hexdigest()[:16]
    target = paths.cache() / "debian" / key
    with exclusive(paths.cache() / "locks/debian", lambda: say("another process is unpacking Debian packages ...")):
        if not target.exists():
            _unpack(target)
    return target


def _unpack(target: Path) -> None:
    say(f"unpacking the Debian packages {', '.join(PACKAGES)} and what they need; nothing is installed ...")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as scratch:
        archives, root = Path(scratch, "archives"), Path(scratch, "root")
        (archives / "partial").mkdir(parents=True)
        _download(archives)
        for archive in sorted(archives.glob("*.deb")):
            _run("dpkg", "--extract", str(archive), str(root))
        _link_alternatives(root)
        root.rename(target)


def _download(archives: Path) -> None:
    """The packages, and those of their dependencies that this machine has not."""
    fetch = ["apt-get", "install", "--download-only", "--reinstall", "--no-install-recommends", "-y", "-qq"]
    options = ["-o", f"Dir::Cache::archives={archives}", "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
    try:
        _run(*fetch, *options, *PACKAGES)
    except ToolchainError:  # lists that are old, or none
        _run("apt-get", "update", "-qq")
        _run(*fetch, *options, *PACKAGES)


def _link_alternatives(root: Path) -> None:
    for name in ALTERNATIVES:
        if not (root / "usr/sbin" / name).exists():
            (root / "usr/sbin" / name).symlink_to(MULTI)


def _run(*command: str) -> None:
    done = subprocess.run(
        [shutil.which(command[0]) or command[0], *command[1:]],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        timeout=APT_S,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL_LINES:])
        raise ToolchainError(
            f"{' '.join(command[:2])} failed, which a cluster needs for {', '.join(PACKAGES)}:\n{tail}"
        )
