"""Command-line arguments of the control plane's processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.control_plane.credentials import CONTROLLER_MANAGER, SCHEDULER, Credentials
from tools.control_plane.networks import SERVICES

ETCD: Final = "etcd"
API_SERVER: Final = "kube-apiserver"

# Relative to the folder: a socket's whole path must fit in 107 bytes. For the peers' socket an absolute path is wrong
# too: etcd 3.6 drops its path and listens where every user of the machine can connect.
STORE: Final = "unix://client"


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """One control plane with its working folder: the API server listens on a port, etcd on sockets in `folder`."""

    folder: Path
    bind: str  # listening address of the API server
    port: int
    advertised: str  # address of the API server for pods
    credentials: Credentials

    def etcd(self) -> list[str]:
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={STORE}",
            "--advertise-client-urls=http://localhost:2379",  # required by etcd; not used
            "--listen-peer-urls=unix://peer",  # not used: it is the only member
        ]

    def api_server(self) -> list[str]:
        key = self.credentials.service_account_key
        return [
            f"--etcd-servers={STORE}",
            f"--bind-address={self.bind}",
            f"--secure-port={self.port}",
            f"--advertise-address={self.advertised}",
            f"--tls-cert-file={self.credentials.certificate()}",
            f"--tls-private-key-file={self.credentials.key()}",
            f"--token-auth-file={self.credentials.tokens}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--service-cluster-ip-range={SERVICES}",
            "--allow-privileged=true",
            "--profiling=false",
        ]

    def controller_manager(self) -> list[str]:
        return [
            *self._client(CONTROLLER_MANAGER),
            "--use-service-account-credentials=true",
            "--kube-api-qps=200",  # its two dozen controllers are ready in 1 s instead of 5
            "--kube-api-burst=400",
            f"--service-account-private-key-file={self.credentials.service_account_key}",
            f"--root-ca-file={self.credentials.authority}",
        ]

    def scheduler(self) -> list[str]:
        return self._client(SCHEDULER)

    def _client(self, user: str) -> list[str]:
        """Return the arguments of a client of the API server: no own port, no leader election."""
        return [
            f"--kubeconfig={self.credentials.kubeconfig(user)}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
        ]
