"""A cluster by its name: bring it up, take it down, and ask how it is."""

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
from tools.cluster.distribution import Distribution, distribution
from tools.cluster.node import RunningNode
from tools.cluster.readiness import is_system_ready
from tools.cluster.record import ClusterRecord, Forward, Size, load
from tools.cluster.start import API, POLL_ANSWER_S, POLL_S, ClusterStart
from tools.control_plane.api import AdminClient
from tools.control_plane.credentials import ADMIN, LOOPBACK
from tools.control_plane.processes import Process
from tools.errors import ClusterError
from tools.locks import exclusive
from tools.node.spec import NodeSpec
from tools.progress import say

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
MILLI: Final = 1000
WELL_S: Final = 30.0  # that a kubelet which was started again needs until its pods are ready is about 10


@dataclass(frozen=True, kw_only=True)
class ClusterStatus:
    """How a cluster is at one moment."""

    name: str
    kubeconfig: Path
    exists: bool
    components: dict[str, dict[str, Any]] = field(default_factory=dict)  # `pid` inside (None: it is down) and `starts`
    api_ready: bool = False
    node_ready: bool = False
    system_ready: bool = False  # names and volumes
    addresses: dict[str, str] = field(default_factory=dict)  # host:port, by the forward's name

    @property
    def is_healthy(self) -> bool:
        running = bool(self.components) and all(item["pid"] for item in self.components.values())
        return running and self.api_ready and self.node_ready and self.system_ready


class Cluster:
    """The cluster called `name` under the folder `state`; it outlives the program that brought it up.

    One node, in Linux namespaces of its own, with real pods. Nothing of it is on the host but processes, its folder and
    its control groups: no link, no route, no rule. The ways in are the forwards, on the host's loopback; there is no
    way out, so that pods cannot reach the internet.

    With an `owner_pid` it is of no use once that process is gone, and `sweep` may then delete it.
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
        """Its place in every hierarchy: that of no other, also where it is called the same below another `state`."""
        self._owner = Process.of(owner_pid) if owner_pid else None

    def up(self, forwards: Iterable[Forward] = (), size: Size | None = None) -> Path:
        """Bring it up, or repair it, with these forwards besides those it has; returns the administrator's kubeconfig.

        A healthy cluster with this `size` (what it had before where None, and first all of the machine) is left as it
        is, and so is one that gets well by itself within `WELL_S`. Raises ToolchainError where the machine has no means
        to run one, and ClusterError where it may not, or where the cluster does not start.
        """
        privileges.check()
        with self._alone():
            old = self._record()
            new = replace(old, forwards=_merged(old, forwards), size=size or old.size, owner=self._owner)
            made_of = self._distribution(new)
            if self._runs_as(self._spec(made_of), old) and self._gets_well(old):
                self._change(old, new, made_of)
            else:
                self._start(new, made_of)
        return self.kubeconfig

    def down(self) -> None:
        """End it and keep its data: objects, images, volumes. One that does not run is fine."""
        if self.folder.exists():
            with self._alone():
                self._end()

    def delete(self) -> None:
        """End it and remove its data."""
        if self.folder.exists():
            with self._alone():
                self._remove()

    def status(self) -> ClusterStatus:
        """How it is now; changes nothing."""
        return self._status(load(self.folder))

    def address(self, forward: str) -> str:
        """Where the host reaches a forward: 127.0.0.1:PORT. Raises ClusterError for an unknown one."""
        ports = self._record().ports
        if forward not in ports:
            raise ClusterError(f"cluster {self.name} has no forward {forward!r}; it has: {', '.join(ports) or 'none'}")
        return f"{LOOPBACK}:{ports[forward]}"

    def import_image(self, archive: Path) -> tuple[str, ...]:
        """Give the node the images of a docker-archive or an oci-archive; returns each as name:tag@sha256:...

        Raises ClusterError where the cluster does not run, or does not take it.
        """
        node, made_of = self._running()
        return node.import_image(archive, made_of.ctr(), made_of.environment())

    def has_image(self, reference: str) -> bool:
        """Whether the node has the image of a name:tag@sha256:..., so that it need not be imported again.

        Raises ClusterError where the cluster does not run.
        """
        node, made_of = self._running()
        tagged, _, digest = reference.partition("@")
        return f"{tagged.rpartition(':')[0]}@{digest}" in node.images(made_of.ctr(), made_of.environment())

    def log(self, component: str) -> Path:
        """The file that a component writes to. Raises ClusterError for an unknown one."""
        file = self.folder / "logs" / f"{component}.log"
        if not file.exists():
            known = ", ".join(sorted(path.stem for path in self.folder.glob("logs/*.log"))) or "none"
            raise ClusterError(f"cluster {self.name} has no log of {component!r}; it has: {known}")
        return file

    @staticmethod
    def sweep(state: Path | None = None) -> tuple[str, ...]:
        """Delete every cluster whose owner is gone; returns their names."""
        names = sorted(path.name for path in _folder(state).glob("*") if NAME.fullmatch(path.name))
        return tuple(name for name in names if Cluster(name, state).delete_if_orphan())

    def delete_if_orphan(self) -> bool:
        """Delete it if its owner is gone; returns whether it was. Waits for one that is being started."""
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
        return distribution(self.name, self.cgroup, _reserved(record.size))

    def _record(self) -> ClusterRecord:
        return load(self.folder) or ClusterRecord()

    def _spec(self, made_of: Distribution) -> NodeSpec:
        return NodeSpec(
            name=self.name,
            folder=str(self.folder),
            cgroup=self.cgroup,
            environment=made_of.environment(),
            components=made_of.components(),
            files=made_of.files(),
            links=made_of.links(),
        )

    def _runs_as(self, spec: NodeSpec, record: ClusterRecord) -> bool:
        """Whether it runs, and was started with what it would be started with now."""
        if not record.node or not record.node.is_running():
            return False
        try:
            return NodeSpec.read(self.folder / "node.json") == spec
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _gets_well(self, record: ClusterRecord) -> bool:
        """Whether it is healthy, or soon is: a busy machine answers late, and what ends inside is started again."""
        end = time.monotonic() + WELL_S
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

    def _change(self, old: ClusterRecord, new: ClusterRecord, made_of: Distribution) -> None:
        if new.forwards != old.forwards:
            ClusterStart(self.folder, new, self._credentials, made_of).forward((API, *old.forwards))
        elif new != old:
            new.save(self.folder)

    def _start(self, record: ClusterRecord, made_of: Distribution) -> None:
        spec = self._spec(made_of)
        if record.node:
            say(f"cluster {self.name}: not healthy, or another than asked for; starting it again")
        self._end()
        self._credentials.ensure()
        ClusterStart(self.folder, replace(record, node=None), self._credentials, made_of).run(spec)

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
        with exclusive(self.folder, lambda: say(f"cluster {self.name}: another process is at work on it; waiting ...")):
            yield


def _folder(state: Path | None) -> Path:
    return (state or paths.state()).absolute() / "clusters"


def _merged(record: ClusterRecord, forwards: Iterable[Forward]) -> tuple[Forward, ...]:
    """The remembered forwards, and these in the place of those of their names."""
    return tuple(({item.name: item for item in record.forwards} | {item.name: item for item in forwards}).values())


def _reserved(size: Size | None) -> ReservedResources:
    """What is kept from the pods, so that they get `size`. Raises ClusterError where the machine has not that much."""
    memory, cpu = psutil.virtual_memory().total - EVICTION_BYTES, MILLI * (psutil.cpu_count() or 1)
    if size is None:
        return ReservedResources(memory=0, cpu=0)
    if size.memory > memory or size.cpu > cpu:
        raise ClusterError(
            f"pods are to have {size.memory >> 20} MiB and {size.cpu} millicores, and this machine has "
            f"{memory >> 20} MiB and {cpu} for them: plan for a smaller node"
        )
    return ReservedResources(memory=memory - size.memory, cpu=cpu - size.cpu)


def _is_orphan(record: ClusterRecord | None) -> bool:
    """Whether nobody can want it: its owner is gone, or it died before it could say who that is."""
    return record is None or (record.owner is not None and not record.owner.is_running())
