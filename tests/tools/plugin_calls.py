"""Call a resource plugin as the engine does, in this process."""

# ruff: noqa: ARG002 (fakes have the signatures of gRPC)

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto import engine_pb2, status_pb2
from pulumi.runtime.proto import provider_pb2 as messages

from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.values import Object, decode, encode


class PluginRefusedError(Exception):
    """Error of the plugin, with the state that the engine should keep."""

    def __init__(self, message: str, kept: messages.ErrorResourceInitFailed | None) -> None:
        super().__init__(message)
        self.kept = kept


class FakeContext:
    """The part of gRPC's context that the plugins use."""

    def __init__(self) -> None:
        self._kept: messages.ErrorResourceInitFailed | None = None

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])
        self._kept = messages.ErrorResourceInitFailed()
        status.details[0].Unpack(self._kept)

    def abort(self, code: grpc.StatusCode, message: str) -> NoReturn:
        raise PluginRefusedError(message, self._kept)


class LogLines(EngineLog):
    """Engine log that keeps its lines."""

    def __init__(self) -> None:
        super().__init__("")
        self.lines: list[str] = []

    def _send(
        self, urn: str, message: str, *, ephemeral: bool, severity: engine_pb2.LogSeverity.ValueType = engine_pb2.INFO
    ) -> None:
        self.lines.append(message)


@dataclass
class PluginResource:
    """A resource of a plugin with its state, as the engine keeps it."""

    provider: Any  # a servicer; its methods take gRPC's context
    type: str
    name: str = "it"
    id: str = ""
    inputs: Object = field(default_factory=dict)
    outputs: Object = field(default_factory=dict)

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::trial::{self.type}::{self.name}"

    def check(self, inputs: Mapping[str, Any]) -> Object:
        request = messages.CheckRequest(
            urn=self.urn, name=self.name, type=self.type, olds=encode(self.inputs), news=encode(inputs)
        )
        return decode(self.provider.Check(request, FakeContext()).inputs)

    def pretend(self, inputs: Object) -> None:
        """Take the resource for one that was made with the inputs."""
        self.inputs = self.check(inputs)
        self.outputs = self.inputs | {"__inputs": self.inputs}

    def create(self, inputs: Mapping[str, Any], timeout_s: float = 30) -> Object:
        """Create the resource; keep the state that a failed creation reports."""
        self.inputs = self.check(inputs)
        request = messages.CreateRequest(urn=self.urn, properties=encode(self.inputs), timeout=timeout_s)
        try:
            response = self.provider.Create(request, FakeContext())
        except PluginRefusedError as error:
            self._keep(error)
            raise
        self.id, self.outputs = response.id, decode(response.properties)
        return self.outputs

    def preview_create(self, inputs: Mapping[str, Any]) -> Object:
        request = messages.CreateRequest(urn=self.urn, properties=encode(self.check(inputs)), preview=True)
        return decode(self.provider.Create(request, FakeContext()).properties)

    def diff(self, inputs: Mapping[str, Any]) -> messages.DiffResponse:
        request = messages.DiffRequest(
            id=self.id,
            urn=self.urn,
            type=self.type,
            olds=encode(self.outputs),
            old_inputs=encode(self.inputs),
            news=encode(self.check(inputs)),
        )
        response: messages.DiffResponse = self.provider.Diff(request, FakeContext())
        return response

    def update(self, inputs: Mapping[str, Any], *, preview: bool = False, timeout_s: float = 30) -> Object:
        news = self.check(inputs)
        request = messages.UpdateRequest(
            id=self.id,
            urn=self.urn,
            olds=encode(self.outputs),
            old_inputs=encode(self.inputs),
            news=encode(news),
            preview=preview,
            timeout=timeout_s,
        )
        outputs = decode(self.provider.Update(request, FakeContext()).properties)
        if not preview:
            self.inputs, self.outputs = news, outputs
        return outputs

    def refresh(self) -> bool:
        """Read the current state; return whether the resource still exists."""
        request = messages.ReadRequest(
            id=self.id, urn=self.urn, type=self.type, properties=encode(self.outputs), inputs=encode(self.inputs)
        )
        response = self.provider.Read(request, FakeContext())
        self.inputs, self.outputs = decode(response.inputs), decode(response.properties)
        return bool(response.id)

    def delete(self, timeout_s: float = 30) -> None:
        request = messages.DeleteRequest(
            id=self.id, urn=self.urn, type=self.type, properties=encode(self.outputs), timeout=timeout_s
        )
        self.provider.Delete(request, FakeContext())

    def _keep(self, error: PluginRefusedError) -> None:
        if error.kept:
            self.id, self.outputs = error.kept.id, decode(error.kept.properties)


def kinds(response: messages.DiffResponse) -> dict[str, str]:
    """Return each changed path with its kind of change."""
    return {path: messages.PropertyDiff.Kind.Name(each.kind) for path, each in sorted(response.detailedDiff.items())}
