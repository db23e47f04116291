"""A twin by its name: start, end, status."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Final

from tools import paths
from tools.control_plane.api import AdminClient
from tools.control_plane.components import API_SERVER, ETCD
from tools.control_plane.credentials import ADMIN, CONTROLLER_MANAGER, LOOPBACK, SCHEDULER, port_of
from tools.control_plane.processes import Process
from tools.errors import TwinError
from tools.locks import exclusive
from tools.offline.toolchain import tool
from tools.progress import say
from tools.twin.credentials import KWOK, credentials
from tools.twin.node import SimulatedNode
from tools.twin.record import TwinRecord, load
from tools.twin.start import PortTakenError, TwinStart, end

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
PROGRAMS: Final = (ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER, KWOK)
PORT_ATTEMPTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class TwinStatus:
    """State of a twin at one moment."""

    name: str
    kubeconfig: Path
    node: SimulatedNode | None  # None: the twin does not exist
    processes: dict[str, int]  # pid of each started process
    running: frozenset[str]  # processes that still run
    api_ready: bool
    node_ready: bool

    @property
    def is_healthy(self) -> bool:
        return self.running == set(PROGRAMS) and self.api_ready and self.node_ready


class Twin:
    """The twin called `name` under the folder `state`; it outlives the program that brought it up.

    With an `owner_pid`, `sweep` takes the twin down once that process has ended.
    """

    def __init__(self, name: str, state: Path | None = None, owner_pid: int | None = None) -> None:
        if not NAME.fullmatch(name):
            raise TwinError(f"a twin's name is made of a-z, 0-9 and '-', at most 41 of them; not {name!r}")
        self.name = name
        self.folder = _folder(state) / name
        self.kubeconfig = credentials(self.folder).kubeconfig(ADMIN)
        self._owner = Process.of(owner_pid) if owner_pid else None

    def up(self, node: SimulatedNode) -> Path:
        """Start the twin with `node`, or repair it, or change its node; return the administrator's kubeconfig.

        A healthy twin with this node is not restarted. Raises ToolchainError where a program cannot be had, and
        TwinError where the twin does not start.
        """
        with self._alone():
            old = load(self.folder) or TwinRecord(node=node)
            new = replace(old, node=node, owner=self._owner)
            if not self._status(old).is_healthy:
                self._start(new, old.node)
            elif new != old:
                TwinStart(self.folder, new, {}, old.node).settle()
                new.save(self.folder)
            if port_of(self.kubeconfig) is None:
                address = f"{LOOPBACK}:{(load(self.folder) or new).port}"
                credentials(self.folder).write_kubeconfigs({ADMIN: address})
        return self.kubeconfig

    def down(self) -> None:
        """End the twin's processes and remove its files, if it exists."""
        if self.folder.exists():
            with self._alone():
                self._remove()

    def status(self) -> TwinStatus:
        """Return the current state."""
        return self._status(load(self.folder))

    @staticmethod
    def sweep(state: Path | None = None) -> tuple[str, ...]:
        """Take down every twin whose owner process has ended; return their names."""
        folder = _folder(state)
        names = sorted(path.name for path in folder.glob("*") if NAME.fullmatch(path.name))
        return tuple(name for name in names if Twin(name, state).down_if_orphan())

    def down_if_orphan(self) -> bool:
        """Take the twin down if its owner process has ended; return whether it did."""
        if not _is_orphan(load(self.folder)):
            return False
        with self._alone():
            if orphan := _is_orphan(load(self.folder)):
                self._remove()
            return orphan

    def _status(self, record: TwinRecord | None) -> TwinStatus:
        processes = record.processes if record else {}
        running = frozenset(name for name, process in processes.items() if process.is_running())
        api = AdminClient(credentials(self.folder), record.port) if record and API_SERVER in running else None
        return TwinStatus(
            name=self.name,
            kubeconfig=self.kubeconfig,
            node=record.node if record else None,
            processes={name: process.pid for name, process in processes.items()},
            running=running,
            api_ready=api is not None and api.is_ready(),
            node_ready=api is not None and record is not None and api.is_node_ready(record.node.name),
        )

    def _start(self, record: TwinRecord, previous: SimulatedNode) -> None:
        programs = {name: tool(name) for name in PROGRAMS}
        if record.processes:
            say(f"twin {self.name}: not healthy; restarting it")
        end(record)
        for _ in range(PORT_ATTEMPTS):
            record = replace(record, port=record.port or free_port(), processes={})
            record.save(self.folder)
            try:
                TwinStart(self.folder, record, programs, previous).run()
            except PortTakenError:
                say(f"twin {self.name}: port {record.port} is taken; trying another")
                record = replace(record, port=0)
            else:
                return
        raise TwinError(
            f"twin {self.name}: other programs took {PORT_ATTEMPTS} free ports in a row before its API server could"
        )

    def _remove(self) -> None:
        if record := load(self.folder):
            end(record)
        rmtree(self.folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with exclusive(self.folder, lambda: say(f"twin {self.name}: another process is changing it; waiting ...")):
            try:
                yield
            finally:
                _remove_if_empty(self.folder)  # leave nothing where a program was missing
                _remove_if_empty(self.folder.parent)


def _folder(state: Path | None) -> Path:
    return (state or paths.state()).absolute() / "twins"


def free_port() -> int:
    """Return a port of loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_orphan(record: TwinRecord | None) -> bool:
    """Return whether the owner process has ended, or the twin was never recorded completely."""
    return record is None or (record.owner is not None and not record.owner.is_running())


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
