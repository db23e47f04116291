"""Images of the cluster's own pods, made from the pinned programs: there is no registry to pull them from."""

from pathlib import Path
from typing import Final

from tools import paths
from tools.cluster.packages import NodePrograms
from tools.images.scratch import ScratchImage
from tools.offline.toolchain import resolve

NAMESPACE: Final = "synapse.local"  # not a registry, so that such an image is never pulled by mistake
PAUSE: Final = "pause"
DNS: Final = "coredns"
STORAGE: Final = "local-path-provisioner"
SHELL: Final = "busybox"
ROOT: Final = "0:0"
# Without wget: the one of Debian's static busybox crashes where no libraries are installed.
APPLETS: Final = ("sh", "cat", "chmod", "httpd", "mkdir", "nc", "nslookup", "rm", "seq", "sleep", "sync", "tail")


def system_images(programs: NodePrograms) -> dict[str, ScratchImage]:
    """Return the images by the names above; a changed program changes the tag of its image."""
    made = {name: of_one(name) for name in (PAUSE, DNS, STORAGE)}
    return made | {SHELL: _shell(programs.program(SHELL))}


def archive(image: ScratchImage) -> Path:
    """Return the image as a file in the cache, written where it is missing."""
    path = paths.cache() / "images" / f"{image.reference.rpartition('/')[2].replace(':', '-')}.tar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        image.write(path)
    return path


def of_one(name: str) -> ScratchImage:
    """Return an image with one pinned program. Raises ToolchainError where the program cannot be had."""
    path, program = f"/usr/bin/{name}", resolve(name).path
    return ScratchImage(name=f"{NAMESPACE}/{name}", programs={path: program}, entrypoint=(path,))


def _shell(busybox: Path) -> ScratchImage:
    links = {f"/bin/{applet}": SHELL for applet in APPLETS}
    return ScratchImage(
        name=f"{NAMESPACE}/{SHELL}",
        programs={"/bin/busybox": busybox},
        texts={"/etc/nsswitch.conf": "hosts: files dns\n"},  # else libc looks for missing modules
        links=links,
        entrypoint=("/bin/sh",),
        user=ROOT,  # the provisioner's helper makes and removes the folders of volumes
    )
