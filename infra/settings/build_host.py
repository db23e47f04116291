"""Build host: a remote machine that images are built on, over SSH; the node itself where there is no registry."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from infra.settings.quantity_types import Port
from infra.settings.schema import Section

BUILD_KEY: Final = "buildKey"
"""Secret with the private SSH key of the build host; without it the caller's SSH agent supplies the key."""
KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
WORDS: Final = 2  # of a public key: kind and data, without the comment


def _host_key(value: str) -> str:
    kind, *rest = value.split()[:WORDS] or [""]
    if kind not in KINDS or not rest:
        raise PydanticCustomError(
            "host_key",
            "the kind and the key as `ssh-keyscan -t ed25519 -p PORT HOST` prints them after the host's name; compare "
            "its fingerprint (ssh-keygen -lf FILE) with the one that the host shows",
        )
    return f"{kind} {rest[0]}"


HostKey = Annotated[str, AfterValidator(_host_key)]
"""A public key in one line, as in `authorized_keys`."""


class BuildHost(Section):
    """Machine that builds images, reached over SSH: it has Python 3.11, and Docker, nerdctl or Buildah."""

    host: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")
    """DNS name or IP address."""
    port: Port = 22
    """Port of its SSH server."""
    user: str = Field(default="root", pattern=r"^[a-z_][a-z0-9_.-]*$")
    """User that builds: logged in to `synapse:registry`, or, on the node, root or able to run `sudo -n k3s ctr`."""
    host_key: HostKey
    """Public key, from `ssh-keyscan -t ed25519 -p PORT HOST` without the name; a host with another key is refused."""
    folder: str = Field(default="synapse-build", pattern=r"^[A-Za-z0-9_./-]+$")
    """Folder for the sources, relative to the user's home."""
