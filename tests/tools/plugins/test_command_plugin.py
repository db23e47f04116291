"""Stand-in for Pulumi's command plugin: local commands."""

import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as messages

from tests.tools.plugin_calls import FakeContext, LogLines, PluginRefusedError, PluginResource, kinds
from tools.offline.plugins.command import CommandProvider
from tools.offline.plugins.values import UNKNOWN, Secret, decode, encode

DEADLINE_S = 200.0


@pytest.fixture
def lines() -> LogLines:
    return LogLines()


@pytest.fixture
def command(lines: LogLines) -> PluginResource:
    return PluginResource(CommandProvider(lines), "command:local:Command")


def test_a_command_gets_stdin_environment_and_folder(command: PluginResource, tmp_path: Path, lines: LogLines) -> None:
    outputs = command.create(
        {
            "create": "cat; echo $WORD; pwd; echo oops >&2",
            "stdin": "in\n",
            "environment": {"WORD": "env"},
            "dir": str(tmp_path),
        }
    )
    assert outputs["stdout"].splitlines() == ["in", "env", str(tmp_path)]
    assert outputs["stderr"] == "oops"
    assert sorted(lines.lines) == sorted(["in", "env", str(tmp_path), "oops"])


def test_another_interpreter_gets_the_command_as_its_last_argument(command: PluginResource) -> None:
    assert command.create({"create": "a b", "interpreter": ["/bin/echo", "x"]})["stdout"] == "x a b"


@pytest.mark.parametrize(("logging", "shown"), [("none", []), ("stdout", ["a"]), ("stderr", ["b"])])
def test_the_shown_streams_can_be_chosen(
    command: PluginResource, lines: LogLines, logging: str, shown: list[str]
) -> None:
    command.create({"create": "echo a; echo b >&2", "logging": logging})
    assert lines.lines == shown


def test_output_of_a_secret_input_is_secret_and_not_shown(command: PluginResource, lines: LogLines) -> None:
    outputs = command.create({"create": "echo $KEY", "environment": {"KEY": Secret("canary")}})
    assert outputs["stdout"] == Secret("canary")
    assert lines.lines == []


def test_nothing_runs_in_a_preview(command: PluginResource, tmp_path: Path) -> None:
    inputs = {"create": f"touch {tmp_path}/made", "update": f"touch {tmp_path}/made"}
    assert command.preview_create(inputs)["stdout"] is UNKNOWN
    assert command.update(inputs, preview=True)["stdout"] is UNKNOWN
    assert not (tmp_path / "made").exists()


def test_a_failure_shows_the_command_and_its_output(command: PluginResource) -> None:
    with pytest.raises(PluginRefusedError, match="exit status 3: running 'echo no >&2; exit 3':\nno"):
        command.create({"create": "echo no >&2; exit 3"})
    with pytest.raises(PluginRefusedError, match="could not be started"):
        command.create({"create": "true", "dir": "/not/there"})


def test_a_change_updates_and_a_trigger_replaces(command: PluginResource) -> None:
    command.create({"create": "echo 1", "triggers": [1]})
    assert kinds(command.diff({"create": "echo 1", "triggers": [1]})) == {}
    assert kinds(command.diff({"create": "echo 2", "triggers": [1]})) == {"create": "UPDATE"}
    response = command.diff({"create": "echo 1", "triggers": [2]})
    assert kinds(response) == {"triggers[0]": "UPDATE_REPLACE"}


def test_an_update_runs_update_or_create_with_the_previous_output(command: PluginResource) -> None:
    command.create({"create": "echo made"})
    assert command.update({"create": "echo again after $PULUMI_COMMAND_STDOUT"})["stdout"] == "again after made"
    assert command.update({"create": "false", "update": "echo changed"})["stdout"] == "changed"


def test_a_delete_runs_delete(command: PluginResource, tmp_path: Path) -> None:
    command.create({"create": "true", "delete": f"echo $WORD > {tmp_path}/gone", "environment": {"WORD": "bye"}})
    command.delete()
    assert (tmp_path / "gone").read_text() == "bye\n"


def test_the_function_run_runs_at_once(lines: LogLines) -> None:
    request = messages.InvokeRequest(tok="command:local:run", args=encode({"command": "echo now"}))
    provider: Any = CommandProvider(lines)
    response = provider.Invoke(request, FakeContext())
    assert decode(getattr(response, "return"))["stdout"] == "now"


def test_cancelling_ends_the_command_and_its_children(command: PluginResource) -> None:
    errors: list[str] = []

    def create() -> None:
        with pytest.raises(PluginRefusedError) as caught:
            command.create({"create": "sleep 600 & sleep 601; true"})
        errors.append(str(caught.value))

    thread = Thread(target=create)
    started = time.monotonic()
    thread.start()
    while not errors and time.monotonic() - started < DEADLINE_S:
        command.provider.Cancel(Empty(), FakeContext())
        thread.join(timeout=0.1)
    assert "ended by signal 9" in errors[0]


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [("command:local:Command", {"create": "true", "assetPaths": ["*"]}), ("command:remote:CopyFile", {})],
)
def test_unsupported_inputs_name_the_official_plugin(lines: LogLines, kind: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(PluginRefusedError, match="needs the official Pulumi Command plugin"):
        PluginResource(CommandProvider(lines), kind).check(inputs)
