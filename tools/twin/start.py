"""Start a twin's processes in order, each once its predecessor is ready; on any failure all are ended."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from tools.control_plane.api import AdminClient
from tools.control_plane.components import API_SERVER
from tools.control_plane.credentials import LOOPBACK
from tools.control_plane.processes import Process, spawn, tail
from tools.errors import TwinError
from tools.progress import say
from tools.twin import node
from tools.twin.commands import TwinCommands
from tools.twin.crds import crds, is_served
from tools.twin.credentials import USERS, credentials
from tools.twin.record import TwinRecord

READY_S = 120.0  # about 10 s in practice, more on a busy machine with two cores
POLL_S = 0.05
POLL_ANSWER_S = 2.0  # another program on the port may accept and not respond
PORT_TAKEN = "address already in use"


class PortTakenError(Exception):
    """Another program took the API server's port between its choice and its start."""


class TwinStart:
    """One start of a twin; the record is saved at every step."""

    def __init__(
        self, folder: Path, record: TwinRecord, programs: Mapping[str, Path], previous: node.SimulatedNode
    ) -> None:
        self.record = record
        self._previous = previous  # its objects may still exist
        self._folder = folder
        self._programs = programs
        self._credentials = credentials(folder)
        self._api = AdminClient(self._credentials, record.port, POLL_ANSWER_S)

    def run(self) -> TwinRecord:
        """Start all processes. Raises PortTakenError where another port may work, and TwinError otherwise."""
        try:
            self._store()
            self._controllers()
        except BaseException:
            self._end()
            raise
        return self.record

    def settle(self) -> None:
        """Replace the previous node and its classes by the record's, and wait until pods can be scheduled."""
        objects = node.objects(self.record.node)
        for path in node.objects(self._previous).keys() - objects.keys():
            self._api.delete(path)
        for path, manifest in objects.items():
            self._api.apply(path, manifest)
        self._api.apply(f"{node.path(self.record.node)}/status", node.machine_status(self.record.node))
        self._until("the node is Ready", lambda: self._api.is_node_ready(self.record.node.name))
        self._until("pods can be created", self._api.has_default_account)

    def _store(self) -> None:
        self._credentials.ensure()
        self._credentials.write_kubeconfigs(dict.fromkeys(USERS, f"{LOOPBACK}:{self.record.port}"))
        self._spawn(self._commands().store())
        self._until("the API server is ready", self._api.is_ready)

    def _controllers(self) -> None:
        self._spawn(self._commands().controllers())
        self._define()
        self.settle()

    def _define(self) -> None:
        """Apply the CustomResourceDefinitions of K3s."""
        patient = AdminClient(self._credentials, self.record.port)
        manifests = crds()
        for path, manifest in manifests.items():
            patient.apply(path, manifest)
        self._until("the kinds of K3s are served", lambda: all(is_served(self._api.get(path)) for path in manifests))

    def _commands(self) -> TwinCommands:
        return TwinCommands(folder=self._folder, port=self.record.port, credentials=self._credentials)

    def _spawn(self, commands: Mapping[str, list[str]]) -> None:
        for name, arguments in commands.items():
            spawn([str(self._programs[name]), *arguments], self._folder, self._log(name), partial(self._remember, name))

    def _remember(self, name: str, process: Process) -> None:
        self._save(replace(self.record, processes=self.record.processes | {name: process}))

    def _save(self, record: TwinRecord) -> None:
        self.record = record
        record.save(self._folder)

    def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait for a condition. Raises TwinError where a process ends first, or after `READY_S`."""
        started = time.monotonic()
        while not is_so():
            self._check_processes()
            if time.monotonic() - started > READY_S:
                raise TwinError(
                    f"timeout after {READY_S:.0f} s while waiting until {what}; the logs are in {self._folder}"
                )
            time.sleep(POLL_S)
        say(f"twin {self._folder.name}: {what} ({time.monotonic() - started:.1f} s)")

    def _check_processes(self) -> None:
        for name, process in self.record.processes.items():
            if not process.is_running():
                raise self._ended(name)

    def _ended(self, name: str) -> Exception:
        log = self._log(name)
        lines = tail(log)
        if name == API_SERVER and PORT_TAKEN in lines:
            return PortTakenError(lines)
        return TwinError(f"{name} ended while the twin started; its log is {log}\n{lines}")

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _end(self) -> None:
        end(self.record)
        self._save(replace(self.record, processes={}))


def end(record: TwinRecord) -> None:
    """End every process of a twin, clients before servers."""
    for process in reversed(record.processes.values()):
        process.end()
