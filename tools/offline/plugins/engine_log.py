"""Messages to the user, shown beside a resource."""

import contextlib
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

TIMEOUT_S: Final = 5.0


class EngineLog:
    """The engine's log; a plugin that was started by hand has none, and its messages are dropped."""

    def __init__(self, address: str) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def status(self, urn: str, message: str) -> None:
        """Show a status of the resource; the next one replaces it."""
        self._send(urn, message, ephemeral=True)

    def status_warning(self, urn: str, message: str) -> None:
        """Show a warning as the status of the resource."""
        self._send(urn, message, ephemeral=True, severity=engine_pb2.WARNING)

    def say_warning(self, urn: str, message: str) -> None:
        """Show a warning that stays on the screen."""
        self._send(urn, message, ephemeral=False, severity=engine_pb2.WARNING)

    def say(self, urn: str, message: str) -> None:
        """Show a message that stays on the screen."""
        self._send(urn, message, ephemeral=False)

    def _send(
        self, urn: str, message: str, *, ephemeral: bool, severity: engine_pb2.LogSeverity.ValueType = engine_pb2.INFO
    ) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError):  # the engine has ended
            self._stub.Log(request, timeout=TIMEOUT_S)
