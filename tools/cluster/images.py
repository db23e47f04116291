"""The images that a cluster itself runs, made from the pinned programs: there is no registry to pull them from."""

from pathlib import Path
from typing import Final

from tools import paths
from tools.cluster.packages import NodePrograms
from tools.images.scratch import ScratchImage
from tools.offline.toolchain import resolve

NAMESPACE: Final = "synapse.local"  # a registry that is none: such a name is never pulled by mistake
PAUSE: Final = "pause"
DNS: Final = "coredns"
STORAGE: Final = "local-path-provisioner"
SHELL: Final = "busybox"
ROOT: Final = "0:0"
# Not wget: Debian's static one crashes where there are no libraries beside it.
APPLETS: Final = ("sh", "cat", "chmod", "httpd", "mkdir", "nc", "nslookup", "rm", "seq", "sleep", "sync", "tail")


def system_images(programs: NodePrograms) -> dict[str, ScratchImage]:
    """All of them, by the names above; a change of a program changes the tag of its image."""
    made = {name: of_one(name) for name in (PAUSE, DNS, STORAGE)}
    return made | {SHELL: _shell(programs.program(SHELL))}


def archive(image: ScratchImage) -> Path:
    """The image as a file in the cache, written where it is missing."""
    path = paths.cache() / "images" / f"{image.reference.rpartition('/')[2].replace(':', '-')}.tar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        image.write(path)
    return path


def of_one(name: str) -> ScratchImage:
    """An image of one of the pinned programs and nothing else. Raises ToolchainError where it cannot be had."""
    place, program = f"/usr/bin/{name}", resolve(name).path
    return ScratchImage(name=f"{NAMESPACE}/{name}", programs={place: program}, entrypoint=(place,))


def _shell(busybox: Path) -> ScratchImage:
    links = {f"/bin/{applet}": SHELL for applet in APPLETS}
    return ScratchImage(
        name=f"{NAMESPACE}/{SHELL}",
        programs={"/bin/busybox": busybox},
        texts={"/etc/nsswitch.conf": "hosts: files dns\n"},  # without it, its C library looks for parts it has not
        links=links,
        entrypoint=("/bin/sh",),
        user=ROOT,  # it makes and removes the folders of volumes
    )
