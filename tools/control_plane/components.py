"""What the processes of a control plane are told, whoever runs them: everything about them that is not Python."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.control_plane.credentials import CONTROLLER_MANAGER, SCHEDULER, Credentials
from tools.control_plane.networks import SERVICES

ETCD: Final = "etcd"
API_SERVER: Final = "kube-apiserver"

# Relative to the folder: a socket's whole path must fit in 107 bytes. An absolute one does not do for the peers' socket
# anyway: etcd 3.6 drops its path and listens where every user of the machine can connect.
STORE: Final = "unix://client"


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """One start of it, every process in `folder`: the API server listens on a port, etcd on sockets in there."""

    folder: Path
    bind: str  # the address that the API server listens on
    port: int
    advertised: str  # the address that pods are told to find it at
    credentials: Credentials

    def etcd(self) -> list[str]:
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={STORE}",
            "--advertise-client-urls=http://localhost:2379",  # must look like this; nobody is told
            "--listen-peer-urls=unix://peer",  # nobody calls: it is the only member
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
        """A component that serves nothing and is the only one of its kind."""
        return [
            f"--kubeconfig={self.credentials.kubeconfig(user)}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
        ]
