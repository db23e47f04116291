"""Fake Kubernetes API for one Deployment, with TLS by a CA made for the test."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATH = "/apis/apps/v1/namespaces/llm-infra/deployments/llama-router"


class Kubernetes:
    """Fake API server. *rolled_out* is called with the changed arguments of the router's container."""

    def __init__(self, account: Path, args: list[str], rolled_out: Callable[[list[str]], None]) -> None:
        self.account = account
        self.token = "first"  # noqa: S105 - no secret
        self.args = args
        self.version = 1
        self.status = 200
        self.reads = 0
        self.patches: list[Any] = []
        self.containers = ["sidecar", "llama-server"]
        self.on_read: Callable[[], None] = lambda: None
        self._rolled_out = rolled_out
        self.port = 0

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the kubelet sets in a container, and the folder of the service account."""
        return {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.port),
            "SYNAPSE_SERVICE_ACCOUNT_DIR": str(self.account),
        }

    def rotate(self, token: str) -> None:
        self.token = token
        (self.account / "token").write_text(f"{token}\n")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH or request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"kind": "Status"}, status=403)
        if self.status != 200:
            return web.json_response({"kind": "Status"}, status=self.status)
        if request.method == "PATCH":
            return await self._patch(request)
        self.reads += 1
        answer = self._deployment()
        self.on_read()
        return web.json_response(answer)

    async def _patch(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Content-Type"] == "application/strategic-merge-patch+json"
        patch = await request.json()
        if patch["metadata"]["resourceVersion"] != str(self.version):
            return web.json_response({"kind": "Status"}, status=409)
        self.patches.append(patch["spec"])
        (container,) = patch["spec"]["template"]["spec"]["containers"]
        assert container["name"] == "llama-server"
        self.args = container["args"]
        self.version += 1
        self._rolled_out(self.args)
        return web.json_response(self._deployment())

    def _deployment(self) -> dict[str, Any]:
        containers = [{"name": name, "image": "x", "args": self.args} for name in self.containers]
        return {
            "kind": "Deployment",
            "metadata": {"name": "llama-router", "resourceVersion": str(self.version)},
            "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
        }


@asynccontextmanager
async def serving(kubernetes: Kubernetes, tls: ssl.SSLContext) -> AsyncIterator[Kubernetes]:
    runner = web.ServerRunner(web.Server(kubernetes.handle), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    kubernetes.port = runner.addresses[0][1]
    try:
        yield kubernetes
    finally:
        await runner.cleanup()


def account(folder: Path, token: str = "first") -> ssl.SSLContext:  # noqa: S107 - no secret
    """Write a service account into *folder*; return the TLS context of the server."""
    folder.mkdir()
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("a CA", authority, "a CA", authority, x509.BasicConstraints(ca=True, path_length=0))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    leaf = _certificate("the API", server, "a CA", authority, address)
    (folder / "token").write_text(f"{token}\n")
    (folder / "ca.crt").write_bytes(root)
    chain, key = folder / "server.crt", folder / "server.key"
    chain.write_bytes(leaf)
    key.write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> bytes:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(signer, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
