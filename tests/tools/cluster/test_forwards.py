"""Forwards of a private cluster: each has a listening socket of the machine, and follows a new port."""

import os
import socket
import subprocess
import sys

import pytest

from tools.cluster.node import listen
from tools.node import supervisor
from tools.node.spec import NodeSpec


def test_a_forward_on_a_new_port_gives_its_former_one_up() -> None:
    spec = NodeSpec(name="it", folder="/", cgroup="/it", environment={}, components=(), files={}, links={})
    node, target = supervisor.Supervisor(spec), {"name": "gateway", "host": "localhost", "port": 1}
    with listen(0) as first, listen(0) as second:
        ports = [each.getsockname()[1] for each in (first, second)]
        descriptors = [os.dup(each.fileno()) for each in (first, second)]
    for descriptor in descriptors:
        node._forward(target, descriptor)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0])).close()
    socket.create_connection(("127.0.0.1", ports[1])).close()
    node._forward(target, None)
    socket.create_connection(("127.0.0.1", ports[1])).close()
    os.close(descriptors[1])


def test_a_forward_copies_both_directions_and_forwards_the_end() -> None:
    with listen(0) as listener, listen(0) as target:
        arguments = [str(listener.fileno()), *map(str, target.getsockname())]
        command = [sys.executable, "-m", "tools.node.forwarder", *arguments]
        with subprocess.Popen(command, pass_fds=[listener.fileno()]) as forwarder:
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                server, _ = target.accept()
                with server:
                    assert server.makefile("rb").read() == b"question"
                    server.sendall(b"answer" * 100_000)
                assert client.makefile("rb").read() == b"answer" * 100_000
            forwarder.kill()
