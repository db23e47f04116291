"""A certificate authority, and a TLS server on loopback that requires its client certificates."""

import datetime as dt
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


class Authority:
    """A certificate authority."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority")
        self._certificate = self._signed(self._name, self._key.public_key(), x509.BasicConstraints(True, None))

    @property
    def certificate(self) -> str:
        return _pem(self._certificate)

    def issue(self, name: str) -> IssuedCertificate:
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return IssuedCertificate(_pem(self._signed(_name(name), key.public_key(), loopback)), secret)

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        draft = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key)
        draft = draft.serial_number(x509.random_serial_number()).not_valid_before(now - HOUR)
        return draft.not_valid_after(now + HOUR).add_extension(extension, False).sign(self._key, hashes.SHA256())


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextmanager
def server(authority: Authority, folder: Path) -> Iterator[str]:
    """Run a server with a certificate of *authority* that requires one of its clients; yield its address."""
    own = authority.issue("server")
    (folder / "server.pem").write_text(own.certificate + own.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "server.pem")
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), _Handler) as listener:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://{LOOPBACK}:{listener.server_port}"
        finally:
            listener.shutdown()
            thread.join()


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
