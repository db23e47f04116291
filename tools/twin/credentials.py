"""Who may talk to a twin: a certificate, a signing key and one random token per user, made afresh for every twin."""

import base64
import csv
import io
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tools.twin.files import write_private

LOOPBACK: Final = "127.0.0.1"
VALID = timedelta(days=3650)
SKEW = timedelta(days=1)  # a clock that is set back must not lock its owner out

ADMIN: Final = "admin"
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
KWOK: Final = "kwok"


@dataclass(frozen=True)
class User:
    """A user of the API server and, after a colon in Kubernetes' own names, what it may do."""

    name: str
    groups: str = ""


USERS: Final = {
    ADMIN: User("synapse:admin", "system:masters"),
    CONTROLLER_MANAGER: User("system:kube-controller-manager"),
    SCHEDULER: User("system:kube-scheduler"),
    KWOK: User("synapse:kwok", "system:masters"),
}


@dataclass(frozen=True)
class Credentials:
    """The files of one twin; all lie in its folder, which is mode 0700, and are mode 0600 themselves."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def certificate_key(self) -> Path:
        return self.folder / "tls.key"

    @property
    def service_account_key(self) -> Path:
        return self.folder / "service-account.key"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def kubeconfig(self, user: str) -> Path:
        return self.folder / ("kubeconfig" if user == ADMIN else f"{user}.kubeconfig")

    def ensure(self) -> None:
        """Make them all, unless they are complete; the tokens are written last."""
        if self.tokens.exists():
            return
        key = _key()
        write_private(self.certificate_key, _pem(key))
        write_private(self.certificate, _certificate(key).public_bytes(Encoding.PEM))
        write_private(self.service_account_key, _pem(_key()))
        write_private(self.tokens, _token_table())

    def token(self, user: str) -> str:
        """The bearer token of one of `USERS`."""
        with self.tokens.open(newline="") as file:
            return next(row[0] for row in csv.reader(file) if row[1] == USERS[user].name)

    def write_kubeconfigs(self, port: int) -> None:
        """Point every user at the API server's port of this start."""
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        cluster = {"server": f"https://{LOOPBACK}:{port}", "certificate-authority-data": authority}
        for user in USERS:
            write_private(self.kubeconfig(user), _kubeconfig(cluster, self.token(user)))


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """In the one format that Kubernetes reads elliptic-curve keys from."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """One that vouches for itself: it is its own authority in every kubeconfig."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synapse twin")])
    now = datetime.now(UTC)
    addresses = [x509.IPAddress(ipaddress.ip_address(LOOPBACK)), x509.DNSName("localhost")]
    return (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )


def _token_table() -> str:
    """Kubernetes' static token file: token, user, uid, groups."""
    table = io.StringIO()
    for user in USERS.values():
        csv.writer(table, lineterminator="\n").writerow([secrets.token_urlsafe(32), user.name, user.name, user.groups])
    return table.getvalue()


def _kubeconfig(cluster: dict[str, str], token: str) -> str:
    name = "twin"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
