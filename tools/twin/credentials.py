"""Credentials of a twin: its control plane, its administrator, and kwok, which acts for every kubelet."""

from pathlib import Path
from typing import Final

from tools.control_plane.credentials import LOOPBACK, SERVER, CertificateIdentity, Credentials, User
from tools.control_plane.credentials import USERS as CONTROL_PLANE

KWOK: Final = "kwok"
USERS: Final = CONTROL_PLANE | {KWOK: User("synapse:kwok", "system:masters")}
IDENTITIES: Final = {SERVER: CertificateIdentity("synapse twin", (LOOPBACK, "localhost"))}


def credentials(folder: Path) -> Credentials:
    """Return the credentials of the twin in this folder."""
    return Credentials(folder, USERS, IDENTITIES)
