"""Image of a container: the files of this machine that stand for those of the real image, and its configuration."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LINKED: Final = ("bin", "lib", "lib64", "sbin")
SYSTEM: Final = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/mime.types", "/etc/ssl", "/etc/passwd")


@dataclass(frozen=True, kw_only=True)
class Image:
    """Read-only files by their path in the container, and what the image says about itself."""

    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # arguments of the entry point, where the pod gives none
    environment: Mapping[str, str] = field(default_factory=dict)
    working_folder: str = "/"


def system() -> Image:
    """Return this machine's programs and libraries, without its data, as a distribution's image has them."""
    links = {f"/{name}": str(Path("/", name).readlink()) for name in LINKED if Path("/", name).is_symlink()}
    folders = {f"/{name}": Path("/", name) for name in LINKED if not Path("/", name).is_symlink()}
    files = {path: Path(path) for path in SYSTEM if Path(path).exists()}
    return Image(files={**folders, **files}, links=links)


def python(prefix: Path, target: str = "/app/.venv") -> Image:
    """Return the image of a Python environment that may be moved: at *target*, beside its interpreter."""
    base, interpreter = system(), Path(sys.base_prefix)
    own = {} if interpreter.is_relative_to("/usr") else {str(interpreter): interpreter}
    return Image(
        files={**base.files, **own, target: prefix},
        links=base.links,
        environment={"PATH": f"{target}/bin:{PATH}"},
    )
