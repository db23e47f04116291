"""Lines for the person at the terminal, next to the resource that they are about."""

import contextlib
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

TIMEOUT_S: Final = 5.0


class EngineLog:
    """The engine's log; a plugin that was started by hand has none, and then lines go nowhere."""

    def __init__(self, address: str) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def status(self, urn: str, message: str) -> None:
        """What is going on with the resource right now; the next status takes its place."""
        self._send(urn, message, ephemeral=True)

    def say(self, urn: str, message: str) -> None:
        """Something that stays on the screen."""
        self._send(urn, message, ephemeral=False)

    def _send(self, urn: str, message: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError):  # an engine that is gone needs no progress
            self._stub.Log(request, timeout=TIMEOUT_S)
