"""What each of a twin's processes is told: everything about them that is not Python."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.twin.credentials import CONTROLLER_MANAGER, KWOK, LOOPBACK, SCHEDULER, Credentials
from tools.twin.node import ADDRESS

ETCD: Final = "etcd"
API_SERVER: Final = "kube-apiserver"
STAGES: Final = Path(__file__).with_name("stages.yaml")

# Of RFC 5737, as ADDRESS is: the API server wants to tell pods an address that is not loopback.
ADVERTISED: Final = "192.0.2.1"

PODS: Final = "10.42.0.1/16"  # as K3s has it
SERVICES: Final = "10.43.0.0/16"

# Relative to the folder: a socket's whole path must fit in 107 bytes. An absolute one does not do for the peers' socket
# anyway: etcd 3.6 drops its path and listens where every user of the machine can connect.
STORE: Final = "unix://client"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One start of a twin, every process in `folder`: the API server listens on a port, etcd on sockets in there."""

    folder: Path
    port: int
    credentials: Credentials

    def store(self) -> dict[str, list[str]]:
        """The API server and what it keeps its objects in."""
        return {ETCD: self._etcd(), API_SERVER: self._api_server()}

    def controllers(self) -> dict[str, list[str]]:
        """The API server's clients: started once it answers."""
        return {
            CONTROLLER_MANAGER: self._controller_manager(),
            SCHEDULER: self._scheduler(),
            KWOK: self._kwok(),
        }

    def _etcd(self) -> list[str]:
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={STORE}",
            "--advertise-client-urls=http://localhost:2379",  # must look like this; nobody is told
            "--listen-peer-urls=unix://peer",  # nobody calls: it is the only member
        ]

    def _api_server(self) -> list[str]:
        key = self.credentials.service_account_key
        return [
            f"--etcd-servers={STORE}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self.port}",
            f"--advertise-address={ADVERTISED}",
            f"--tls-cert-file={self.credentials.certificate}",
            f"--tls-private-key-file={self.credentials.certificate_key}",
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

    def _controller_manager(self) -> list[str]:
        return [
            *self._client(CONTROLLER_MANAGER),
            "--use-service-account-credentials=true",
            "--kube-api-qps=200",  # its two dozen controllers are ready in 1 s instead of 5
            "--kube-api-burst=400",
            f"--service-account-private-key-file={self.credentials.service_account_key}",
            f"--root-ca-file={self.credentials.certificate}",
        ]

    def _scheduler(self) -> list[str]:
        return self._client(SCHEDULER)

    def _client(self, user: str) -> list[str]:
        """A component that serves nothing and is the only one of its kind."""
        return [
            f"--kubeconfig={self.credentials.kubeconfig(user)}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
        ]

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self.credentials.kubeconfig(KWOK)}",
            f"--config={STAGES}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            f"--node-ip={ADDRESS}",
            f"--cidr={PODS}",
            "--node-lease-duration-seconds=40",
        ]
