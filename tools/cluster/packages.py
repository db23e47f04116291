"""Debian programs of a node: unpacked into the cache, not installed, so that no daemon starts.

Without apt, they must be installed on the machine.
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
MULTI: Final = "xtables-nft-multi"  # the target of Debian's alternatives
# Not the caller's PATH, so that every user of a machine gets the same node.
BIN: Final = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
RELEASE: Final = Path("/etc/os-release")
APT_S: Final = 900
TAIL_LINES: Final = 5


@dataclass(frozen=True)
class NodePrograms:
    """Programs of a node: in the unpacked packages first, then on the machine."""

    root: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which unpacked programs find each other, their libraries and their plugins."""
        libraries = self._under(*(f"{folder}/{platform.machine()}-linux-gnu" for folder in ("usr/lib", "lib")))
        variables = {"PATH": os.pathsep.join((*self._under(*BIN), *(f"/{folder}" for folder in BIN))), "HOME": "/root"}
        if libraries:
            variables["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
            variables["XTABLES_LIBDIR"] = f"{libraries[0]}/xtables"
        return variables

    def program(self, name: str) -> Path:
        """Return the path of a program. Raises ToolchainError where it is missing."""
        path = shutil.which(name, path=self.environment["PATH"])
        if path is None:
            raise ToolchainError(f"a cluster needs {name}, which is not installed: install it, or use `make twin`")
        return Path(path)

    def cni(self) -> dict[str, Path]:
        """Return the CNI plugins by name. Raises ToolchainError where one is missing."""
        roots = [root for root in (self.root, Path("/")) if root]
        folders = [root / folder for root in roots for folder in CNI_FOLDERS]
        for folder in folders:
            if all((folder / name).exists() for name in CNI):
                return {name: folder / name for name in CNI}
        searched = ", ".join(f"/{folder}" for folder in CNI_FOLDERS)
        raise ToolchainError(f"a cluster needs the CNI plugins {', '.join(CNI)} in one of {searched}: install them")

    def _under(self, *folders: str) -> tuple[str, ...]:
        return tuple(str(self.root / folder) for folder in folders) if self.root else ()


def programs() -> NodePrograms:
    """Return the node's programs, unpacked first where that is needed. Raises ToolchainError where one is missing."""
    node_programs = NodePrograms(_unpacked() if shutil.which("apt-get") and shutil.which("dpkg") else None)
    for name in PROGRAMS:
        node_programs.program(name)
    node_programs.cni()
    return node_programs


def _unpacked() -> Path:
    release = RELEASE.read_bytes() if RELEASE.exists() else b""
    key = hashlib.sha256(b"\0".join([*(name.encode() for name in PACKAGES), release])).hexdigest()[:16]
    target = paths.cache() / "debian" / key
    with exclusive(paths.cache() / "locks/debian", lambda: say("another process is unpacking Debian packages ...")):
        if not target.exists():
            _unpack(target)
    return target


def _unpack(target: Path) -> None:
    say(f"unpacking the Debian packages {', '.join(PACKAGES)} and their dependencies; nothing is installed ...")
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
    """Download the packages and their dependencies that are not installed."""
    fetch = ["apt-get", "install", "--download-only", "--reinstall", "--no-install-recommends", "-y", "-qq"]
    options = ["-o", f"Dir::Cache::archives={archives}", "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
    try:
        _run(*fetch, *options, *PACKAGES)
    except ToolchainError:  # the package lists are old or missing
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
        raise ToolchainError(f"{' '.join(command[:2])} failed; a cluster needs it for {', '.join(PACKAGES)}:\n{tail}")
