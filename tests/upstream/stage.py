"""Process 1 of a container: it builds the root, gives up every right, and becomes the program.

`unshare` has made the namespaces. The arguments are the file that describes the container, and the number of a socket:
a byte on it says that the root stands, and the answer that the tests hold on to the network.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

BIND, REMOUNT, READ_ONLY, NO_SUID, PRIVATE, RECURSIVE = 4096, 32, 1, 2, 1 << 18, 16384
DETACH: Final = 2
NO_NEW_PRIVILEGES, DROP_FROM_BOUNDING_SET, DIE_WITH_PARENT, LAST_CAPABILITY = 38, 24, 1, 63
DEVICES: Final = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
"""Minor numbers of the memory devices, which every runtime gives."""
LIBC: Final = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: Any) -> None:
    """Call a function of the C library. Raises OSError where it fails."""
    encoded = [os.fsencode(each) if isinstance(each, str | Path) else each for each in arguments]
    if getattr(LIBC, name)(*encoded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def mount(source: str, target: Path, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    call("mount", source, target, kind, ctypes.c_ulong(flags), options)


def bind(source: Path, target: Path, *, read_only: bool) -> None:
    """Show *source* at *target*, which is made: a folder for a folder, else an empty file."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(str(source), target, flags=BIND)
    if read_only:
        mount("none", target, flags=BIND | REMOUNT | READ_ONLY | NO_SUID)


def root(spec: dict[str, Any]) -> Path:
    """Build the root in memory: what the image has, what every runtime adds, and the mounts of the pod."""
    folder = Path(spec["root"])
    mount("none", Path("/"), flags=PRIVATE | RECURSIVE)
    mount("tmpfs", folder, "tmpfs", options="mode=755")
    for path, target in spec["links"].items():
        inside(folder, path).symlink_to(target)
    for path, source in spec["files"].items():
        bind(Path(source), inside(folder, path), read_only=True)
    for path, text in spec["texts"].items():
        inside(folder, path).parent.mkdir(parents=True, exist_ok=True)
        inside(folder, path).write_text(text)
    kernel(folder)
    inside(folder, spec["working_folder"]).mkdir(parents=True, exist_ok=True)
    for path, (source, read_only) in spec["mounts"].items():
        bind(Path(source), inside(folder, path), read_only=read_only)
    return folder


def kernel(folder: Path) -> None:
    for name in ("proc", "sys", "dev"):
        (folder / name).mkdir()
    mount("proc", folder / "proc", "proc")
    mount("sysfs", folder / "sys", "sysfs", READ_ONLY)
    mount("tmpfs", folder / "dev", "tmpfs", options="mode=755")
    for name, minor in DEVICES.items():
        os.mknod(folder / "dev" / name, 0o020666, os.makedev(1, minor))
        (folder / "dev" / name).chmod(0o666)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (folder / "dev" / name).symlink_to(f"/proc/self/fd/{number}")
    (folder / "dev/fd").symlink_to("/proc/self/fd")
    (folder / "dev/shm").mkdir()
    mount("tmpfs", folder / "dev/shm", "tmpfs", options="mode=1777,size=64m")


def inside(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def enter(folder: Path) -> None:
    """Make *folder* the root, read-only, and let go of the machine's."""
    os.chdir(folder)
    call("pivot_root", ".", ".")
    call("umount2", ".", DETACH)
    os.chdir("/")
    mount("none", Path("/"), flags=BIND | REMOUNT | READ_ONLY)


def network(address: str) -> None:
    """Bring loopback up, and give it the pod's address: probes and Services use this one, never 127.0.0.1."""
    for arguments in ("link set lo up", f"addr add {address}/32 dev lo"):
        subprocess.run(["ip", *arguments.split()], check=True)  # noqa: S607 - of this machine, as root


def give_up(user: int, group: int, groups: list[int]) -> None:
    """Become the pod's user, without capabilities or a way to get any."""
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)  # the kernel refuses numbers that it does not know
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if LIBC.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "new privileges cannot be forbidden")
    LIBC.prctl(DIE_WITH_PARENT, signal.SIGKILL)  # again: a change of the user takes back what `unshare` asked for


def become(command: list[str], environment: dict[str, str]) -> None:
    """Become the program, looked up on the container's PATH as a runtime does."""
    name = command[0]
    folders = [""] if "/" in name else environment.get("PATH", "").split(":")
    for candidate in (os.path.join(folder, name) for folder in folders):  # noqa: PTH118 - an empty folder adds nothing
        if os.access(candidate, os.X_OK):
            os.execve(candidate, command, environment)  # noqa: S606 - a container has no shell of its own
    raise FileNotFoundError(f"{name}: not an executable in the image; PATH={environment.get('PATH', '')}")


def main(file: str, parent: socket.socket) -> None:
    spec = json.loads(Path(file).read_text(encoding="utf-8"))
    network(spec["address"])
    enter(root(spec))
    give_up(spec["user"], spec["group"], spec["groups"])
    os.chdir(spec["working_folder"])
    os.umask(0o022)
    parent.send(b".")
    parent.recv(1)
    parent.close()
    become(spec["command"], spec["environment"])


if __name__ == "__main__":
    main(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
