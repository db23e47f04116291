"""Execution of a command in a pod, through the Kubernetes API."""

from collections.abc import Sequence
from typing import Any, Final

from kubernetes.stream import stream

from infra.errors import SynapseError

SHOWN: Final = 300
"""Characters of a failed command's output in the error message."""


class PodExecError(SynapseError):
    """A command in a pod failed, or took too long; the message has the end of its output."""


def run_in_pod(core: Any, namespace: str, pod: str, command: Sequence[str], within_s: float) -> str:  # noqa: ANN401
    """Return the output of *command*. Raises PodExecError when it fails, or takes longer than *within_s*."""
    connection = stream(
        core.connect_get_namespaced_pod_exec,
        pod,
        namespace,
        command=list(command),
        stderr=True,
        stdin=False,
        stdout=True,
        tty=False,
        _preload_content=False,
    )
    subject = f"{' '.join(command)} in {namespace}/{pod}"
    try:
        connection.run_forever(timeout=within_s)
        if connection.is_open():
            raise PodExecError(f"{subject} takes longer than {within_s:g} s")
        # The exit code first: reading the output discards it.
        code, output = _exit_code(connection), str(connection.read_all()).strip()
    finally:
        connection.close()
        connection.sock.shutdown()  # `close` leaves the socket open where the other side closed first
    if code != 0:
        outcome = "was cut off" if code is None else f"ended with {code}"
        raise PodExecError(f"{subject} {outcome}: {output[-SHOWN:]}")
    return output


def _exit_code(connection: Any) -> int | None:  # noqa: ANN401 - the client is untyped
    """Return None for a connection that broke before the command ended."""
    try:
        return int(connection.returncode)
    except TypeError:
        return None
