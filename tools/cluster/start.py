"""Start a cluster: node, forwards, images and first objects; on any failure the node is ended."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from tools.cluster import images, node
from tools.cluster.distribution import Distribution
from tools.cluster.node import LOG, RunningNode, listen
from tools.cluster.readiness import is_system_ready, is_up_to_date
from tools.cluster.record import API as API_NAME
from tools.cluster.record import ClusterRecord, Forward
from tools.control_plane.api import AdminClient
from tools.control_plane.credentials import ADMIN, LOOPBACK, Credentials
from tools.control_plane.files import write_private
from tools.control_plane.processes import Process, tail
from tools.errors import ClusterError
from tools.node.layout import ADDRESS, API_PORT, CONTROL
from tools.node.spec import NodeSpec
from tools.progress import say

API: Final = Forward(API_NAME, LOOPBACK, API_PORT)  # the first forward of every cluster
READY_S: Final = 180.0  # about 20 s in practice, more on a busy machine with two cores
POLL_S: Final = 0.1
POLL_ANSWER_S: Final = 20.0  # a slow API server must not be taken for one that does not run


class ClusterStart:
    """One start of a cluster; the record is saved at every step."""

    def __init__(
        self, folder: Path, record: ClusterRecord, credentials: Credentials, distribution: Distribution
    ) -> None:
        self.record = record
        self._folder = folder
        self._credentials = credentials
        self._distribution = distribution

    def run(self, spec: NodeSpec) -> None:
        """Start the node. Raises ClusterError, with the last lines of a log where there is one."""
        try:
            node.start(spec, self._remember)
            self._until("the node accepts forwards", (self._folder / CONTROL).exists)
            self._trust()
            self.forward()
            self._images()
            self._until("the API server is ready", self._api.is_ready)
            self._settle()
        except BaseException:
            node.end(self.record.node, spec.cgroup)
            self._save(replace(self.record, node=None))
            raise

    def _trust(self) -> None:
        """Give every component of the node the certificate of the API server's authority."""
        authority = self._distribution.authority(self._folder)
        self._until("the API server has a certificate authority", authority.exists)
        if authority != self._credentials.authority:
            write_private(self._credentials.authority, authority.read_bytes())
        users = self._credentials.users.keys() - {ADMIN}
        self._credentials.write_kubeconfigs(dict.fromkeys(users, f"{ADDRESS}:{API_PORT}"))

    def forward(self, served: tuple[Forward, ...] = ()) -> None:
        """Serve each forward that is not in `served`, on its former port of the host where that is free."""
        forwards = [item for item in (API, *self.record.forwards) if item not in served]
        open_names = {item.name for item in served}  # their sockets are open in the node
        with ExitStack() as stack:
            new = [item.name for item in forwards if item.name not in open_names]
            listeners = {name: stack.enter_context(self._listener(name)) for name in new}
            self._node.forward(forwards, listeners)
            ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
        self._save(replace(self.record, ports=self.record.ports | ports))
        self._credentials.write_kubeconfigs({ADMIN: f"{LOOPBACK}:{self.record.ports[API.name]}"})

    def _listener(self, name: str) -> socket.socket:
        port = self.record.ports.get(name, 0)
        try:
            return listen(port)
        except OSError:
            say(f"cluster {self._folder.name}: port {port}, which forward {name} had, is taken; using another")
            return listen(0)

    def _images(self) -> None:
        """Import the images that the node lacks: at its first start, and after a change of a program."""
        ctr, environment = self._distribution.ctr(), self._distribution.environment()
        self._until("containerd is ready", lambda: self._names() is not None)
        existing = self._names() or frozenset()
        for image in self._distribution.images.values():
            if image.reference not in existing:
                self._node.import_image(images.archive(image), ctr, environment)

    def _names(self) -> frozenset[str] | None:
        try:
            return self._node.images(self._distribution.ctr(), self._distribution.environment())
        except ClusterError:
            return None

    def _settle(self) -> None:
        patient = replace(self._api, answer_s=READY_S)  # this request is not repeated
        for path, manifest in self._distribution.manifests().items():
            patient.apply(path, manifest)
        self._until("the node is Ready", lambda: self._api.is_node_ready(self._folder.name))
        self._until("pods can be created", self._api.has_default_account)
        self._until("DNS and volumes are served", lambda: is_system_ready(self._api, self._node.process))
        self._until("the status of all pods is current", lambda: is_up_to_date(self._api, self._node.process))

    @property
    def _node(self) -> RunningNode:
        assert self.record.node is not None  # noqa: S101 - it was started
        return RunningNode(self._folder, self.record.node)

    @property
    def _api(self) -> AdminClient:
        return AdminClient(self._credentials, self.record.ports[API.name], POLL_ANSWER_S)

    def _remember(self, process: Process) -> None:
        self._save(replace(self.record, node=process))

    def _save(self, record: ClusterRecord) -> None:
        self.record = record
        record.save(self._folder)

    def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait for a condition. Raises ClusterError where the node ends first, or after `READY_S`."""
        started = time.monotonic()
        while not is_so():
            if not self._node.process.is_running():
                log = self._folder / LOG
                raise ClusterError(f"the node ended while it started; its log is {log}\n{tail(log)}")
            if time.monotonic() - started > READY_S:
                logs = self._folder / "logs"
                raise ClusterError(f"timeout after {READY_S:.0f} s while waiting until {what}; the logs are in {logs}")
            time.sleep(POLL_S)
        say(f"cluster {self._folder.name}: {what} ({time.monotonic() - started:.1f} s)")
