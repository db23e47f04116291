"""Stand-in for `pulumi-resource-command`: local and remote commands (SSH) and copied files as resources."""

import secrets
import sys
from pathlib import Path
from typing import Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

from tools.offline.plugins.child_processes import ChildProcesses
from tools.offline.plugins.command_run import STREAMS, CommandRunner
from tools.offline.plugins.diff import changes
from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.process import engine_address, serve
from tools.offline.plugins.responses import PluginError, diff_response, errors_as_responses, refuse_unimplemented
from tools.offline.plugins.values import UNKNOWN, Object, decode, encode, revealed

VERSION: Final = "1.2.1"  # the version that this follows
COPY: Final = "command:remote:CopyToRemote"
RUN: Final = "command:local:run"
UNSUPPORTED_INPUTS: Final = {
    "command:local:Command": ("assetPaths", "archivePaths"),
    "command:remote:Command": ("environment",),
    COPY: (),
}
"""Supported types, each with the inputs that only the official plugin supports."""


class CommandProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Provider of commands, `command:local:run` and copies of single files."""

    def __init__(self, log: EngineLog) -> None:
        self.children = ChildProcesses()
        self._runner = CommandRunner(self.children, log)

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: messages.CheckRequest, context: grpc.ServicerContext) -> messages.CheckResponse:
        return messages.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: messages.DiffRequest, context: grpc.ServicerContext) -> messages.DiffResponse:
        return messages.DiffResponse(changes=messages.DiffResponse.DIFF_NONE)

    def Configure(
        self, request: messages.ConfigureRequest, context: grpc.ServicerContext
    ) -> messages.ConfigureResponse:
        return messages.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: messages.CheckRequest, context: grpc.ServicerContext) -> messages.CheckResponse:
        with errors_as_responses(context):
            if request.type not in UNSUPPORTED_INPUTS:
                raise PluginError(unsupported(request.type))
            inputs = decode(request.news)
            refuse_unsupported(inputs, *UNSUPPORTED_INPUTS[request.type])
            return messages.CheckResponse(inputs=encode(inputs))

    def Diff(self, request: messages.DiffRequest, context: grpc.ServicerContext) -> messages.DiffResponse:
        changed = dict(changes(decode(request.old_inputs), decode(request.news)))
        return diff_response(changed, ["triggers"])

    def Create(self, request: messages.CreateRequest, context: grpc.ServicerContext) -> messages.CreateResponse:
        with errors_as_responses(context):
            inputs = decode(request.properties)
            if request.preview:
                return messages.CreateResponse(properties=encode(previewed(request.urn, inputs)))
            outputs = self._outputs(request.urn, revealed(inputs).get("create"), inputs)
            return messages.CreateResponse(id=f"command-{secrets.token_hex(8)}", properties=encode(outputs))

    def Update(self, request: messages.UpdateRequest, context: grpc.ServicerContext) -> messages.UpdateResponse:
        with errors_as_responses(context):
            inputs = decode(request.news)
            if request.preview:
                return messages.UpdateResponse(properties=encode(previewed(request.urn, inputs)))
            plain = revealed(inputs)
            command = plain.get("update", plain.get("create"))
            outputs = self._outputs(request.urn, command, inputs, decode(request.olds))
            return messages.UpdateResponse(properties=encode(outputs))

    def Read(self, request: messages.ReadRequest, context: grpc.ServicerContext) -> messages.ReadResponse:
        """Return the state as it is: a command has only its last output."""
        return messages.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, request: messages.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        with errors_as_responses(context):
            outputs = decode(request.properties)
            if is_copy(request.urn):
                return Empty()  # the copied file stays
            inputs = {key: value for key, value in outputs.items() if key not in STREAMS}
            self._runner.outputs(request.urn, revealed(inputs).get("delete"), inputs, outputs)
            return Empty()

    def Invoke(self, request: messages.InvokeRequest, context: grpc.ServicerContext) -> messages.InvokeResponse:
        with errors_as_responses(context):
            if request.tok != RUN:
                raise PluginError(unsupported(request.tok))
            inputs = decode(request.args)
            refuse_unsupported(inputs, *UNSUPPORTED_INPUTS["command:local:Command"])
            outputs = self._runner.outputs("", revealed(inputs)["command"], inputs)
            response = messages.InvokeResponse()
            getattr(response, "return").CopyFrom(encode(outputs))
            return response

    def Construct(
        self, request: messages.ConstructRequest, context: grpc.ServicerContext
    ) -> messages.ConstructResponse:
        refuse_unimplemented(context, unsupported(request.type))

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.children.end()
        return Empty()

    def _outputs(self, urn: str, command: str | None, inputs: Object, before: Object | None = None) -> Object:
        """Run the command or copy the file, and return the outputs."""
        if not is_copy(urn):
            return self._runner.outputs(urn, command, inputs, before)
        plain = revealed(inputs)
        if "path" not in plain["source"]:
            raise PluginError(unsupported("a source other than a file"))
        self._runner.send(Path(plain["source"]["path"]), plain["remotePath"], plain["connection"])
        return inputs


def is_copy(urn: str) -> bool:
    """Return whether the resource is a copied file; its type is the last of the URN's types."""
    return urn.split("::")[2].rsplit("$", maxsplit=1)[-1] == COPY


def previewed(urn: str, inputs: Object) -> Object:
    """Return the outputs of a preview: a command does not run, so its output is unknown."""
    return inputs if is_copy(urn) else inputs | dict.fromkeys(STREAMS, UNKNOWN)


def refuse_unsupported(inputs: Object, *names: str) -> None:
    """Raise PluginError for inputs that only the official plugin supports."""
    for name in names:
        if name in inputs:
            raise PluginError(unsupported(name))


def unsupported(what: str) -> str:
    return (
        f"{what} needs the official Pulumi Command plugin, which this machine does not have: "
        f"run `pulumi plugin install resource command {VERSION}` on a machine with internet access"
    )


def main() -> None:
    provider = CommandProvider(EngineLog(engine_address(sys.argv)))
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        provider.children.end,
    )


if __name__ == "__main__":
    main()
