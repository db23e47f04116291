"""Base of an image: the one that its Dockerfile pins, or one made of Debian packages."""

import hashlib
import platform
import tempfile
from pathlib import Path
from typing import Final

from tools.images import host
from tools.images.builder import Build, Builder
from tools.images.subprocesses import logged
from tools.offline import debian
from tools.progress import say

SUITE: Final = "bookworm"
PACKAGES: Final = ("ca-certificates", "python3")
LEFT_OUT: Final = ("doc", "info", "lintian", "locale", "man")  # folders of /usr/share
DOCKERFILE: Final = """\
FROM scratch
ADD base.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
"""
OPTIONS: Final = (
    "--variant=apt",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",  # else a package for the merge brings all of Perl
    f"--include={','.join(PACKAGES)}",
    '--aptopt=APT::Install-Recommends "false"',
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in LEFT_OUT),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    '--customize-hook=rm -rf "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/debconf/*-old',
)
SOURCES: Final = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))


def choose(pinned: str, builder: Builder, logs: Path) -> str:
    """Return the base: *pinned* where it can be pulled, else one of Debian packages, made once. Raises ImageError."""
    own = name()
    if builder.has(pinned):
        return pinned
    if builder.has(own):
        return own
    if builder.pull(pinned):
        say(f"base image: {pinned}")
        return pinned
    _make(own, builder, logs)
    say(f"base image: {own}, made of Debian packages, since {pinned.partition('@')[0]} cannot be pulled here")
    return own


def name() -> str:
    """Return the name of the base of Debian packages; the tag is a digest of its recipe."""
    recipe = "\0".join((SUITE, platform.machine(), DOCKERFILE, *OPTIONS))
    return f"localhost/synapse-base:{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


def _make(own: str, builder: Builder, logs: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="synapse-base-") as folder:
        context = Path(folder)
        mmdebstrap = str(debian.program("mmdebstrap"))
        command = [mmdebstrap, "--quiet", *OPTIONS, SUITE, str(context / "base.tar"), *_sources()]
        logged(f"making a base image of Debian {SUITE}", command, logs / "base.log")
        (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        builder.build(Build(context=context, name=own), logs / "base-image.log")


def _sources() -> list[str]:
    """Return this machine's package sources if it runs the same Debian; else mmdebstrap uses its default."""
    return [str(file) for file in SOURCES if file.is_file()][:1] if host.is_debian(SUITE) else []
