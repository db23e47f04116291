"""A private cluster by its name: start, end, delete, status."""

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import psutil

from tools import paths
from tools.cluster import node, privileges
from tools.cluster.configs import EVICTION_BYTES, ReservedResources
from tools.cluster.credentials import credentials
from tools.cluster.distribution import Distribution, choose_distribution
from tools.cluster.node import RunningNode
from tools.cluster.node_program import INSIDE
from tools.cluster.readiness import is_system_ready
from tools.cluster.record import ClusterRecord, Forward, Size, load
from tools.cluster.start import API, POLL_ANSWER_S, POLL_S, ClusterStart
from tools.control_plane.api import AdminClient
from tools.control_plane.credentials import ADMIN, LOOPBACK, port_of
from tools.control_plane.processes import Process
from tools.errors import ClusterError
from tools.locks import exclusive
from tools.node.spec import NodeSpec
from tools.progress import say

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
MILLI: Final = 1000
RECOVERY_S: Final = 30.0  # a restarted kubelet needs about 10 s until its pods are ready


@dataclass(frozen=True, kw_only=True)
class ClusterStatus:
    """State of a cluster at one moment."""

    name: str
    kubeconfig: Path
    exists: bool
    components: dict[str, dict[str, Any]] = field(default_factory=dict)  # `pid` (inside; None: ended), `starts`
    api_ready: bool = False
    node_ready: bool = False
    system_ready: bool = False  # DNS and volumes
    addresses: dict[str, str] = field(default_factory=dict)  # host:port, by the forward's name

    @property
    def is_healthy(self) -> bool:
        running = bool(self.components) and all(item["pid"] for item in self.components.values())
        return running and self.api_ready and self.node_ready and self.system_ready


class Cluster:
    """The cluster called `name` under the folder `state`; it outlives the program that brought it up.

    One node in Linux namespaces, with real pods. On the host it has only processes, its folder and its control groups:
    no network link, no route, no iptables rule. The host reaches the cluster by forwards on loopback; pods cannot reach
    the internet.

    With an `owner_pid`, `sweep` deletes the cluster once that process has ended.
    """

    def __init__(self, name: str = "local", state: Path | None = None, owner_pid: int | None = None) -> None:
        if not NAME.fullmatch(name):
            raise ClusterError(f"a cluster's name is made of a-z, 0-9 and '-', at most 41 of them; not {name!r}")
        self.name = name
        self.folder = _folder(state) / name
        self._credentials = credentials(self.folder, name)
        self.kubeconfig = self._credentials.kubeconfig(ADMIN)
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()
        self.cgroup: Final = f"/synapse-{name}-{digest[:8]}"
        """Path in every control group hierarchy, unique also among clusters of the same name under another `state`."""
        self._owner = Process.of(owner_pid) if owner_pid else None

    def up(self, forwards: Iterable[Forward] = (), size: Size | None = None) -> Path:
        """Start or repair the cluster, add these forwards, and return the administrator's kubeconfig.

        `size` None keeps the size it had; the first default is the whole machine. A cluster of this size that is
        healthy, or recovers within `RECOVERY_S`, is not restarted. Raises ToolchainError where a program cannot be
        had, and ClusterError where a privilege is missing or the cluster does not start.
        """
        privileges.check()
        with self._alone():
            old = self._record()
            new = replace(old, forwards=_merged(old, forwards), size=size or old.size, owner=self._owner)
            distribution = self._distribution(new)
            if self._runs_as(self._spec(distribution), old) and self._recovers(old):
                self._change(old, new, distribution)
                self._mend_kubeconfig()
            else:
                self._start(new, distribution)
        return self.kubeconfig

    def down(self) -> None:
        """End the cluster and keep its data (objects, images, volumes), if it runs."""
        if self.folder.exists():
            with self._alone():
                self._end()

    def delete(self) -> None:
        """End the cluster and remove its data."""
        if self.folder.exists():
            with self._alone():
                self._remove()

    def status(self) -> ClusterStatus:
        """Return the current state."""
        return self._status(load(self.folder))

    def address(self, forward: str) -> str:
        """Return the address of a forward on the host, 127.0.0.1:PORT. Raises ClusterError for an unknown forward."""
        ports = self._record().ports
        if forward not in ports:
            raise ClusterError(f"cluster {self.name} has no forward {forward!r}; it has: {', '.join(ports) or 'none'}")
        return f"{LOOPBACK}:{ports[forward]}"

    def import_image(self, archive: Path) -> tuple[str, ...]:
        """Import the images of a docker-archive or an oci-archive into the node; return each as name:tag@sha256:...

        Raises ClusterError where the cluster does not run, or refuses the archive.
        """
        node, distribution = self._running()
        return node.import_image(archive, distribution.ctr(), distribution.environment())

    def has_image(self, reference: str) -> bool:
        """Return whether the node has the image of a name:tag@sha256:....

        Raises ClusterError where the cluster does not run.
        """
        node, distribution = self._running()
        tagged, _, digest = reference.partition("@")
        return f"{tagged.rpartition(':')[0]}@{digest}" in node.images(distribution.ctr(), distribution.environment())

    def log(self, component: str) -> Path:
        """Return the log file of a component. Raises ClusterError for an unknown component."""
        file = self.folder / "logs" / f"{component}.log"
        if not file.exists():
            logs = ", ".join(sorted(path.stem for path in self.folder.glob("logs/*.log"))) or "none"
            raise ClusterError(f"cluster {self.name} has no log of {component!r}; it has: {logs}")
        return file

    @staticmethod
    def sweep(state: Path | None = None) -> tuple[str, ...]:
        """Delete every cluster whose owner process has ended; return their names."""
        names = sorted(path.name for path in _folder(state).glob("*") if NAME.fullmatch(path.name))
        return tuple(name for name in names if Cluster(name, state).delete_if_orphan())

    def delete_if_orphan(self) -> bool:
        """Delete the cluster if its owner process has ended; return whether it did. Waits for a start in progress."""
        if not _is_orphan(load(self.folder)):
            return False
        with self._alone():
            if orphan := _is_orphan(load(self.folder)):
                self._remove()
            return orphan

    def _running(self) -> tuple[RunningNode, Distribution]:
        record = self._record()
        if not record.node or not record.node.is_running():
            raise ClusterError(
                f"cluster {self.name} does not run: start it with `synapse cluster up --name {self.name}`"
            )
        return RunningNode(self.folder, record.node), self._distribution(record)

    def _distribution(self, record: ClusterRecord) -> Distribution:
        return choose_distribution(self.name, self.cgroup, _reserved(record.size))

    def _record(self) -> ClusterRecord:
        return load(self.folder) or ClusterRecord()

    def _spec(self, distribution: Distribution) -> NodeSpec:
        return NodeSpec(
            name=self.name,
            folder=str(self.folder),
            cgroup=self.cgroup,
            environment={**distribution.environment(), "PYTHONPATH": str(INSIDE)},
            components=distribution.components(),
            files=distribution.files(),
            links=distribution.links(),
        )

    def _runs_as(self, spec: NodeSpec, record: ClusterRecord) -> bool:
        """Return whether the node runs, and with this spec."""
        if not record.node or not record.node.is_running():
            return False
        try:
            return NodeSpec.read(self.folder / "node.json") == spec
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _recovers(self, record: ClusterRecord) -> bool:
        """Return whether the cluster is healthy, or becomes so within `RECOVERY_S`: its components restart."""
        end = time.monotonic() + RECOVERY_S
        while not self._status(record).is_healthy:
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        return True

    def _status(self, record: ClusterRecord | None) -> ClusterStatus:
        if not record or not record.node or not record.node.is_running():
            return ClusterStatus(name=self.name, kubeconfig=self.kubeconfig, exists=record is not None)
        api = AdminClient(self._credentials, record.ports.get(API.name, 0), POLL_ANSWER_S)
        return ClusterStatus(
            name=self.name,
            kubeconfig=self.kubeconfig,
            exists=True,
            components=RunningNode(self.folder, record.node).status(),
            api_ready=api.is_ready(),
            node_ready=api.is_node_ready(self.name),
            system_ready=is_system_ready(api, record.node),
            addresses={name: f"{LOOPBACK}:{port}" for name, port in record.ports.items()},
        )

    def _change(self, old: ClusterRecord, new: ClusterRecord, distribution: Distribution) -> None:
        if new.forwards != old.forwards:
            ClusterStart(self.folder, new, self._credentials, distribution).forward((API, *old.forwards))
        else:  # also where nothing differs: what was read may have been made anew
            new.save(self.folder)

    def _mend_kubeconfig(self) -> None:
        """Write the administrator's kubeconfig again where it cannot be read."""
        if port_of(self.kubeconfig) is None:
            self._credentials.write_kubeconfigs({ADMIN: self.address(API.name)})

    def _start(self, record: ClusterRecord, distribution: Distribution) -> None:
        spec = self._spec(distribution)
        if record.node:
            say(f"cluster {self.name}: not healthy, or started with other settings; restarting it")
        self._end()
        self._credentials.ensure()
        ClusterStart(self.folder, replace(record, node=None), self._credentials, distribution).run(spec)

    def _end(self) -> None:
        record = self._record()
        node.end(record.node, self.cgroup)
        if record.node:
            replace(record, node=None).save(self.folder)

    def _remove(self) -> None:
        self._end()
        rmtree(self.folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with exclusive(self.folder, lambda: say(f"cluster {self.name}: another process is changing it; waiting ...")):
            yield


def _folder(state: Path | None) -> Path:
    return (state or paths.state()).absolute() / "clusters"


def _merged(record: ClusterRecord, forwards: Iterable[Forward]) -> tuple[Forward, ...]:
    """Return the saved forwards, updated by *forwards* of the same name."""
    return tuple(({item.name: item for item in record.forwards} | {item.name: item for item in forwards}).values())


def _reserved(size: Size | None) -> ReservedResources:
    """Return what is reserved so that pods get `size`. Raises ClusterError where the machine is too small."""
    memory, cpu = psutil.virtual_memory().total - EVICTION_BYTES, MILLI * (psutil.cpu_count() or 1)
    if size is None:
        return ReservedResources(memory=0, cpu=0)
    if size.memory > memory or size.cpu > cpu:
        raise ClusterError(
            f"pods need {size.memory >> 20} MiB and {size.cpu} millicores, and this machine has "
            f"{memory >> 20} MiB and {cpu} for them: plan for a smaller node"
        )
    return ReservedResources(memory=memory - size.memory, cpu=cpu - size.cpu)


def _is_orphan(record: ClusterRecord | None) -> bool:
    """Return whether the owner process has ended, or the cluster was never recorded completely."""
    return record is None or (record.owner is not None and not record.owner.is_running())
