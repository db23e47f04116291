"""Credentials of a cluster: an authority, its certificates, a signing key and one random token per user.

Each cluster gets new ones.
"""

import base64
import csv
import io
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
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

from tools.control_plane.files import write_private

LOOPBACK: Final = "127.0.0.1"
VALID: Final = timedelta(days=3650)
SKEW: Final = timedelta(days=1)  # a clock that is set back must not make a certificate invalid

ADMIN: Final = "admin"
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
SERVER: Final = "tls"  # the API server's own certificate


@dataclass(frozen=True)
class User:
    """A user of the API server and its groups."""

    name: str
    groups: str = ""


USERS: Final = {
    ADMIN: User("synapse:admin", "system:masters"),
    CONTROLLER_MANAGER: User("system:kube-controller-manager"),
    SCHEDULER: User("system:kube-scheduler"),
}


@dataclass(frozen=True)
class CertificateIdentity:
    """Subject of a certificate: a name, and the host names and addresses of a server."""

    name: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Credentials:
    """Credential files of one cluster, mode 0600 in its folder of mode 0700."""

    folder: Path
    users: Mapping[str, User]
    identities: Mapping[str, CertificateIdentity]  # by the name of their files

    @property
    def authority(self) -> Path:
        """Certificate of the authority."""
        return self.folder / "ca.crt"

    @property
    def service_account_key(self) -> Path:
        return self.folder / "service-account.key"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def certificate(self, identity: str = SERVER) -> Path:
        return self.folder / f"{identity}.crt"

    def key(self, identity: str = SERVER) -> Path:
        return self.folder / f"{identity}.key"

    def kubeconfig(self, user: str) -> Path:
        return self.folder / ("kubeconfig" if user == ADMIN else f"{user}.kubeconfig")

    def ensure(self) -> None:
        """Make all files, unless they are complete; the tokens are written last."""
        if self.tokens.exists() and all(map(Path.exists, self._certificates())):
            return
        self._certify()
        write_private(self.service_account_key, _pem(_key()))
        write_private(self.tokens, _token_table(self.users.values()))

    def token(self, user: str) -> str:
        """Return the bearer token of one of `users`."""
        with self.tokens.open(newline="") as file:
            return next(row[0] for row in csv.reader(file) if row[1] == self.users[user].name)

    def write_kubeconfigs(self, users: Mapping[str, str]) -> None:
        """Write the kubeconfig of each user, with the API server's address (host:port) for that user."""
        authority = base64.b64encode(self.authority.read_bytes()).decode()
        for user, address in users.items():
            cluster = {"server": f"https://{address}", "certificate-authority-data": authority}
            write_private(self.kubeconfig(user), _kubeconfig(cluster, self.token(user)))

    def _certificates(self) -> tuple[Path, ...]:
        return (self.authority, *map(self.certificate, self.identities))

    def _certify(self) -> None:
        """Make all certificates; the authority's key is not kept."""
        signer = _key()
        write_private(self.authority, _authority(signer).public_bytes(Encoding.PEM))
        for name, identity in self.identities.items():
            key = _key()
            write_private(self.key(name), _pem(key))
            write_private(self.certificate(name), _signed(identity, key, signer).public_bytes(Encoding.PEM))


def port_of(kubeconfig: Path) -> int | None:
    """Return the port of the API server in a kubeconfig; None where it cannot be read."""
    try:
        content = yaml.safe_load(kubeconfig.read_text())
        return int(content["clusters"][0]["cluster"]["server"].rpartition(":")[2])
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, yaml.YAMLError):
        return None


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as PEM, in the one format of elliptic-curve keys that Kubernetes reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    builder = _builder("synapse", key.public_key(), key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(_usage(is_authority=True), critical=True).sign(key, hashes.SHA256())


def _signed(
    identity: CertificateIdentity, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    builder = _builder(identity.name, key.public_key(), signer)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(is_authority=False), critical=True)
    if identity.hosts:
        names = x509.SubjectAlternativeName([_host(host) for host in identity.hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    """Return the key usage: an authority signs certificates, others sign a TLS handshake."""
    unused = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    never = dict.fromkeys((*unused, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not is_authority, key_cert_sign=is_authority, **never)


def _builder(name: str, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """Return a builder with the identifiers of both keys, which strict clients require."""
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=_name("synapse"),
        subject_name=_name(name),
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - SKEW,
        not_valid_after=now + VALID,
    )
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(by, critical=False)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _token_table(users: Iterable[User]) -> str:
    """Return Kubernetes' static token file: token, user, uid, groups."""
    table = io.StringIO()
    for user in users:
        csv.writer(table, lineterminator="\n").writerow([secrets.token_urlsafe(32), user.name, user.name, user.groups])
    return table.getvalue()


def _kubeconfig(cluster: dict[str, str], token: str) -> str:
    name = "synapse"
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
