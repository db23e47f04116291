"""The machine that images are built on, where that is not this one."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from infra.quantities import Port
from infra.settings.schema import Section

BUILD_KEY: Final = "buildKey"
"""The secret with the private key that lets us in; the keys of the caller's SSH agent where it is not set."""
KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
WORDS: Final = 2  # of a key in one line, without its comment


def _host_key(value: str) -> str:
    kind, *rest = value.split()[:WORDS] or [""]
    if kind not in KINDS or not rest:
        raise PydanticCustomError(
            "host_key",
            "the kind and the key as `ssh-keyscan -t ed25519 -p PORT HOST` prints them after the host's name; compare "
            "its fingerprint (ssh-keygen -lf FILE) with what the host itself says",
        )
    return f"{kind} {rest[0]}"


HostKey = Annotated[str, AfterValidator(_host_key)]
"""A public key in one line, as in `authorized_keys`."""


class BuildHost(Section):
    """The machine that images are built on, over SSH: it has Python 3.11, and Docker, nerdctl or Buildah."""

    host: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")
    """Its name or address."""
    port: Port = 22
    """Where its sshd listens."""
    user: str = Field(default="root", pattern=r"^[a-z_][a-z0-9_.-]*$")
    """Who builds there, and has a login for `synapse:registry`."""
    host_key: HostKey
    """Its public key, from `ssh-keyscan -t ed25519 -p PORT HOST`, less the name; another host's is sent nothing."""
    folder: str = Field(default="synapse-build", pattern=r"^[A-Za-z0-9_./-]+$")
    """Where sources are put there, from the user's home on."""
