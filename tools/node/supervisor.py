"""Process 1 of a node: sets up its namespaces, keeps its components running, and reaps ended processes.

It reads `node.json` and writes `status.json`, both in its working folder. When it ends, the node ends: the kernel kills
every process of the namespaces, and mounts, links and rules go with them.

It accepts forwards on the socket `control`: one message with their targets, and a listening socket of the host for each
new one. The sockets stay open here, so that no connection is refused while a forwarder restarts.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.node import isolation
from tools.node.layout import CHAIN, CONTROL
from tools.node.spec import NodeComponent, NodeSpec

FIRST_WAIT_S: Final = 0.2  # pause before a restart; doubled at each further one
LONGEST_WAIT_S: Final = 10.0
SETTLED_S: Final = 30.0  # after a run of this length the pause is short again
POLL_S: Final = 0.1  # interval of checks for a component's needs
FORWARD: Final = "forward-"  # prefix of the process that serves a forward
MESSAGE_BYTES: Final = 1 << 20
MOST_FORWARDS: Final = 64


@dataclass
class SupervisedComponent:
    """A component and its restarts."""

    component: NodeComponent
    fds: tuple[int, ...] = ()
    pid: int | None = None
    started: float = 0.0
    due: float = 0.0  # earliest start, by the monotonic clock
    wait: float = FIRST_WAIT_S
    starts: int = 0

    def is_waiting(self) -> bool:
        return self.pid is None

    def is_due(self, environment: Mapping[str, str]) -> bool:
        is_time = self.pid is None and time.monotonic() >= self.due
        return is_time and all(is_there(need, environment) for need in self.component.needs)

    def start(self, environment: Mapping[str, str]) -> None:
        log = Path("logs") / f"{self.component.name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                self.component.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.fds,
                start_new_session=True,
            )
        process.returncode = 0  # `Supervisor.reap` reaps it; Popen must not wait for a pid that is gone
        self.pid, self.started, self.starts = process.pid, time.monotonic(), self.starts + 1

    def ended(self) -> None:
        now = time.monotonic()
        self.wait = FIRST_WAIT_S if now - self.started > SETTLED_S else min(2 * self.wait, LONGEST_WAIT_S)
        self.pid, self.due = None, now + self.wait


@dataclass
class Supervisor:
    """All components; it wakes up for a signal or a message with forwards."""

    spec: NodeSpec
    all: dict[str, SupervisedComponent] = field(default_factory=dict)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    wakers: tuple[socket.socket, ...] = ()

    def run(self) -> None:
        """Run without end: the end of process 1 would end the node."""
        self.all = {component.name: SupervisedComponent(component) for component in self.spec.components}
        self.selector.register(self._wakeup(), selectors.EVENT_READ, _drain)
        self.selector.register(_control(), selectors.EVENT_READ, self._forwards)
        while True:
            self._start()
            waiting = any(map(SupervisedComponent.is_waiting, self.all.values()))
            for key, _ in self.selector.select(POLL_S if waiting else None):
                key.data(key.fileobj)
            self.reap()

    def reap(self) -> None:
        """Reap every ended process; orphans of components are among them."""
        ours = {item.pid: item for item in self.all.values()}
        while pid := _ended():
            if pid in ours:
                ours[pid].ended()
                self._publish()

    def _start(self) -> None:
        for item in [item for item in self.all.values() if item.is_due(self.spec.environment)]:
            try:
                item.start(self.spec.environment)
            except OSError as error:  # its program was removed, and may be restored
                print(f"{item.component.name}: {error}", file=sys.stderr, flush=True)  # noqa: T201
                item.ended()
            self._publish()

    def _forwards(self, listener: socket.socket) -> None:
        """Serve the forwards of one message; other forwards stay as they are."""
        connection, _ = listener.accept()
        with connection:
            content, fds, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, MOST_FORWARDS)
            fresh = iter(fds)
            for target in json.loads(content):
                self._forward(target, next(fresh) if target["is_new"] else None)
            self._start()
            connection.sendall(b"ok")

    def _forward(self, target: dict[str, Any], fd: int | None) -> None:
        """Serve one forward, on the new listening socket or its former one."""
        name = f"{FORWARD}{target['name']}"
        former = self.all.get(name)
        fds = (fd,) if fd is not None else former.fds if former else ()
        if former and fd is not None:  # its port is no longer served: a client must be refused, not kept waiting
            for closed in former.fds:
                os.close(closed)
        command = (sys.executable, "-m", "tools.node.forwarder", str(fds[0]), target["host"], str(target["port"]))
        self.all[name] = SupervisedComponent(NodeComponent(name=name, command=command), fds=fds)
        if former and former.pid:
            os.kill(former.pid, signal.SIGKILL)

    def _publish(self) -> None:
        state = {name: {"pid": item.pid, "starts": item.starts} for name, item in self.all.items()}
        fresh = Path("status.json.new")
        fresh.write_text(json.dumps(state))
        fresh.replace("status.json")

    def _wakeup(self) -> socket.socket:
        """Return a socket that becomes readable at each signal."""
        self.wakers = socket.socketpair()
        for end in self.wakers:
            end.setblocking(False)
        signal.set_wakeup_fd(self.wakers[1].fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return self.wakers[0]


def is_there(need: str, environment: Mapping[str, str]) -> bool:
    """Return whether a Unix socket (a path) or a port (host:port) accepts connections, or a chain of rules exists."""
    if need.startswith(CHAIN):
        return _has_chain(environment, *need.removeprefix(CHAIN).split())
    host, _, port = need.rpartition(":")
    family, address = (socket.AF_INET, (host, int(port))) if host else (socket.AF_UNIX, need)
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def _has_chain(environment: Mapping[str, str], table: str, chain: str) -> bool:
    """Return whether iptables has *chain* in *table*; False where it cannot run: an error would end the node."""
    command = ("iptables", "-w", "5", "-t", table, "-S", chain)
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _ended() -> int:
    """Reap one ended child and return its pid; 0 where there is none."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def _drain(waker: socket.socket) -> None:
    waker.recv(4096)


def _control() -> socket.socket:
    Path(CONTROL).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(CONTROL)
    listener.listen()
    return listener


def main() -> None:
    spec = NodeSpec.read(Path("node.json"))
    isolation.isolate(spec)
    Supervisor(spec).run()


if __name__ == "__main__":
    main()
