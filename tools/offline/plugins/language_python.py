"""Stand-in for `pulumi-language-python`: start Python programs and policy packs for the engine."""

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from queue import SimpleQueue
from subprocess import PIPE
from threading import Thread
from typing import IO, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from tools.offline.plugins.child_processes import ChildProcesses, kill
from tools.offline.plugins.process import engine_address, serve
from tools.offline.plugins.python_toolchain import Toolchain, toolchain
from tools.offline.plugins.responses import errors_as_responses

EXEC: Final = Path(__file__).with_name("language_python_exec.py")
SHOWN: Final = 32  # exit status of a program whose error is in the engine's log
ANALYZER: Final = "analyzer"  # the engine's kind of a policy pack


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Language host of the engine; calls for code generation are not implemented."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self.children = ChildProcesses()

    def Handshake(
        self, request: messages.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> messages.LanguageHandshakeResponse:
        self._engine = request.engine_address or self._engine
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(
        self, request: messages.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> messages.GetRequiredPackagesResponse:
        """Return none in advance: the engine finds each provider at its first resource."""
        return messages.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: messages.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> messages.GetRequiredPluginsResponse:
        return messages.GetRequiredPluginsResponse()

    def InstallDependencies(
        self, request: messages.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.InstallDependenciesResponse]:
        """Do nothing: programs run in the environment of Synapse."""
        yield from ()

    def About(self, request: messages.AboutRequest, context: grpc.ServicerContext) -> messages.AboutResponse:
        with errors_as_responses(context):
            executable = str(toolchain(request.info).python)
            return messages.AboutResponse(executable=executable, version=platform.python_version())

    def GetProgramDependencies(
        self, request: messages.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> messages.GetProgramDependenciesResponse:
        installed = sorted({(each.name, each.version) for each in metadata.distributions()})
        dependencies = [messages.DependencyInfo(name=name, version=version) for name, version in installed]
        return messages.GetProgramDependenciesResponse(dependencies=dependencies)

    def RuntimeOptionsPrompts(
        self, request: messages.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> messages.RuntimeOptionsResponse:
        return messages.RuntimeOptionsResponse()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.children.end()
        return Empty()

    def Run(self, request: messages.RunRequest, context: grpc.ServicerContext) -> messages.RunResponse:
        """Run the program to its end; its output goes to ours, which the engine shows."""
        with errors_as_responses(context):
            tools = toolchain(request.info)
            tools.check()
            command = program_command(request, tools, self._engine)
            environment = tools.environment(os.environ) | program_environment(request)
            with self.children.started(command, cwd=request.pwd, env=environment) as program:
                context.add_callback(lambda: kill(program))  # a cancelled update ends the program
                return outcome(program.wait())

    def RunPlugin(
        self, request: messages.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.RunPluginResponse]:
        """Run a policy pack or another Python plugin; the last message has its exit status."""
        with errors_as_responses(context):
            tools = toolchain(request.info)
            tools.check()
            environment = tools.environment(os.environ) | dict(entry.split("=", 1) for entry in request.env)
            with self.children.started(
                plugin_command(request, tools), cwd=plugin_folder(request), env=environment, stdout=PIPE, stderr=PIPE
            ) as plugin:
                context.add_callback(lambda: kill(plugin))
                assert plugin.stdout is not None  # noqa: S101 (both are pipes)
                assert plugin.stderr is not None  # noqa: S101
                yield from _lines(plugin.stdout, plugin.stderr)
                yield messages.RunPluginResponse(exitcode=plugin.wait())


def program_command(request: messages.RunRequest, tools: Toolchain, engine: str) -> list[str]:
    """Return the command of a program; `-P` keeps this folder out of its import path."""
    settings = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "root_directory": request.info.root_directory,
        "organization": request.organization,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    program = os.path.normpath(Path(request.info.program_directory, request.info.entry_point))
    return [str(tools.python), "-P", "-u", str(EXEC), *options, "--", program, *request.args]


def program_environment(request: messages.RunRequest) -> dict[str, str]:
    """Return the environment variables with the stack's configuration for the SDK."""
    return {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def plugin_folder(request: messages.RunPluginRequest) -> str:
    """Return the working folder: a policy pack's own, so that its modules come before all others."""
    return str(request.info.program_directory if request.kind == ANALYZER else request.pwd)


def plugin_command(request: messages.RunPluginRequest, tools: Toolchain) -> list[str]:
    """Return the command of a plugin: the SDK's runner for a policy pack, else the plugin's folder."""
    python, folder = str(tools.python), request.info.program_directory
    if request.kind == ANALYZER:
        return [python, "-u", "-m", "pulumi.policy", *request.args, folder]
    return [python, "-u", folder, *request.args]


def outcome(status: int) -> messages.RunResponse:
    """Return the response to the engine for a program's exit status."""
    if status == SHOWN:
        return messages.RunResponse(bail=True)
    if status:
        return messages.RunResponse(error=f"program exited with non-zero exit code: {status}")
    return messages.RunResponse()


def _lines(stdout: IO[bytes], stderr: IO[bytes]) -> Iterator[messages.RunPluginResponse]:
    """Yield the lines of both streams as they arrive."""
    queue: SimpleQueue[messages.RunPluginResponse | None] = SimpleQueue()

    def relay(lines: Iterable[messages.RunPluginResponse]) -> None:
        for line in lines:
            queue.put(line)
        queue.put(None)

    streams = (
        (messages.RunPluginResponse(stdout=line) for line in stdout),
        (messages.RunPluginResponse(stderr=line) for line in stderr),
    )
    for stream in streams:
        Thread(target=relay, args=[stream], daemon=True).start()
    for _ in streams:
        yield from iter(queue.get, None)


def main() -> None:
    host = LanguageHost(engine_address(sys.argv))
    serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), host.children.end)


if __name__ == "__main__":
    main()
