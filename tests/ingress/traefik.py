"""A real Traefik on loopback, with the chart's options and the objects of a cluster."""

import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from tools.control_plane.credentials import ADMIN, Credentials
from tools.offline.toolchain import tool
from tools.twin.twin import free_port

START_S = 300.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class WatchedCluster:
    """API server with the objects that Traefik reads."""

    credentials: Credentials
    port: int

    def flags(self, provider: str) -> list[str]:
        options = {
            "endpoint": f"https://{LOOPBACK}:{self.port}",
            "token": self.credentials.token(ADMIN),
            "certAuthFilePath": str(self.credentials.authority),
        }
        return [f"--providers.{provider}.{key}={value}" for key, value in options.items()]


@dataclass(frozen=True, kw_only=True)
class Traefik:
    """A running Traefik: its two entry points, and the TLS context of its clients."""

    process: psutil.Popen
    web: int
    websecure: int
    trust: ssl.SSLContext

    def client(self, host: str, source: str = LOOPBACK) -> httpx.Client:
        """Return a client of *host* that connects from *source*."""
        transport = _Named(host, httpx.HTTPTransport(verify=self.trust, local_address=source))
        return httpx.Client(base_url=f"https://{LOOPBACK}:{self.websecure}", transport=transport, timeout=30)

    @property
    def peak_memory(self) -> int:
        """Peak resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024

    def wait_for(self, host: str) -> None:
        """Wait until it serves *host* with its middlewares."""
        deadline = time.monotonic() + START_S
        while not self._serves(host):
            assert self.process.poll() is None, "Traefik ended"
            assert time.monotonic() < deadline, f"Traefik does not serve {host} after {START_S:.0f} s"
            time.sleep(0.1)

    def _serves(self, host: str) -> bool:
        try:
            with self.client(host, "127.0.0.99") as client:
                return client.get("/livez").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


class _Named(httpx.BaseTransport):
    """Transport that sends *host* as Host header and SNI, for any address."""

    def __init__(self, host: str, inner: httpx.HTTPTransport) -> None:
        self._host = host
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Host"] = self._host
        request.extensions["sni_hostname"] = self._host
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def traefik(cluster: WatchedCluster, limits: Mapping[str, str], trust: ssl.SSLContext, log: Path) -> Iterator[Traefik]:
    """Run a Traefik with these `respondingTimeouts` at its TLS entry point."""
    web, websecure = free_port(), free_port()
    command = [
        str(tool("traefik")),
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--providers.providersThrottleDuration=100ms",
        f"--entryPoints.web.address={LOOPBACK}:{web}",
        f"--entryPoints.websecure.address={LOOPBACK}:{websecure}",
        *(f"--entryPoints.websecure.transport.respondingTimeouts.{key}={value}" for key, value in limits.items()),
        *cluster.flags("kubernetesIngress"),
        "--providers.kubernetesIngress.allowExternalNameServices=true",
        *cluster.flags("kubernetesCRD"),
    ]
    with log.open("wb") as output:
        process = psutil.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
        try:
            yield Traefik(process=process, web=web, websecure=websecure, trust=trust)
        finally:
            process.kill()
            process.wait()


def limits_of(chart_config: Mapping[str, Any]) -> dict[str, str]:
    """Return the timeouts of the TLS entry point in a HelmChartConfig; the chart uses the same names as Traefik."""
    values = yaml.safe_load(chart_config["spec"]["valuesContent"])
    timeouts: dict[str, str] = values["ports"]["websecure"]["transport"]["respondingTimeouts"]
    return timeouts
