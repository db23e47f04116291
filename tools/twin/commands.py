"""Command-line arguments of a twin's processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.control_plane.components import API_SERVER, ETCD, ControlPlane
from tools.control_plane.credentials import CONTROLLER_MANAGER, LOOPBACK, SCHEDULER, Credentials
from tools.twin.credentials import KWOK
from tools.twin.node import ADDRESS

STAGES: Final = Path(__file__).with_name("stages.yaml")

# From RFC 5737, as ADDRESS is: the API server refuses to advertise loopback.
ADVERTISED: Final = "192.0.2.1"

KWOK_PODS: Final = "10.42.0.1/16"  # in kwok's notation


@dataclass(frozen=True, kw_only=True)
class TwinCommands:
    """Arguments of one start of a twin: its control plane on loopback, and kwok."""

    folder: Path
    port: int
    credentials: Credentials

    def store(self) -> dict[str, list[str]]:
        """Return the arguments of etcd and the API server."""
        return {ETCD: self._control_plane.etcd(), API_SERVER: self._control_plane.api_server()}

    def controllers(self) -> dict[str, list[str]]:
        """Return the arguments of the API server's clients, which start once it is ready."""
        return {
            CONTROLLER_MANAGER: self._control_plane.controller_manager(),
            SCHEDULER: self._control_plane.scheduler(),
            KWOK: self._kwok(),
        }

    @property
    def _control_plane(self) -> ControlPlane:
        return ControlPlane(
            folder=self.folder, bind=LOOPBACK, port=self.port, advertised=ADVERTISED, credentials=self.credentials
        )

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self.credentials.kubeconfig(KWOK)}",
            f"--config={STAGES}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            f"--node-ip={ADDRESS}",
            f"--cidr={KWOK_PODS}",
            "--node-lease-duration-seconds=40",
        ]
