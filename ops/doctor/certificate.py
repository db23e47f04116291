"""Certificate of the ingress: the Secret as the API has it, and the facts of its first certificate."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from kubernetes import client

from ops.cluster.api_errors import NOT_FOUND, error_text

TLS: Final = "kubernetes.io/tls"


class CertificateError(Exception):
    """The Secret holds no usable certificate; the message says why."""


@dataclass(frozen=True, kw_only=True)
class TlsSecret:
    """A Secret by its type, with the PEM texts of its certificate and its key."""

    kind: str
    certificate: bytes = b""
    key: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Names that a certificate covers, and its end."""

    hosts: tuple[str, ...]
    ends: datetime

    def covers(self, host: str) -> bool:
        """Return whether a name is *host*, or a wildcard of its parent domain."""
        return bool({host, f"*.{host.partition('.')[2]}"} & set(self.hosts))


def read_secret(core: Any, namespace: str, name: str) -> TlsSecret | str | None:  # noqa: ANN401 - the client is untyped
    """Return the Secret; None where there is none, and the reason where it may not be read."""
    try:
        secret = core.read_namespaced_secret(name, namespace)
    except client.ApiException as error:
        return None if error.status == NOT_FOUND else error_text(error)
    data = {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}
    return TlsSecret(kind=secret.type, certificate=data.get("tls.crt", b""), key=data.get("tls.key", b""))


def parse(secret: TlsSecret) -> Certificate:
    """Return the first certificate, which Traefik serves. Raises CertificateError, also where the key is another's."""
    try:
        certificate = x509.load_pem_x509_certificate(secret.certificate)
    except ValueError as error:
        raise CertificateError("its tls.crt is no certificate in PEM") from error
    try:
        key = load_pem_private_key(secret.key, None).public_key()
    except (ValueError, TypeError) as error:
        raise CertificateError("its tls.key is no unencrypted private key in PEM") from error
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise CertificateError("its tls.key belongs to another certificate")
    return Certificate(hosts=_hosts(certificate), ends=certificate.not_valid_after_utc)


def now() -> datetime:
    return datetime.now(UTC)


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))
