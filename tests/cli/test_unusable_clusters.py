"""Clusters that cannot be used: every command that takes a kubeconfig ends with one message and a failure."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

import cli
from cli import COMMANDS, application
from tests.cli.test_commands import project
from tests.cli.test_default_stack import commands
from tests.conftest import Config, changed
from tests.ops.models.file_server import FileServer, serving
from tests.ops.smoke.fake_cluster import kubeconfig
from tests.pulumi_engine.consumer import NAME, migration

ARGUMENTS: Final = {
    "synapse migrate": (NAME,),
    "synapse models load": ("mxbai-embed-large",),
    "synapse models unload": ("mxbai-embed-large",),
    "synapse models pull": ("mxbai-embed-large",),
    "synapse models profile": ("chat",),
    "synapse pulumi": ("stack", "export"),
}
"""Arguments of the commands that need some."""
NOT_USED: Final = {
    "synapse cluster down",
    *(f"synapse secret {verb}" for verb in ("set", "list", "show", "remove")),  # it only tells stacks of one name apart
}
"""Commands that send nothing to the cluster of the kubeconfig."""
GARBAGE: Final = {
    "empty": b"",
    "binary": b"\x7fELF\x02\x01\x01\x00\xff\xfe",
    "no YAML": b"clusters: [",
    "another shape": b"- 1\n- 2\n",
    "text": b"hello",
    "another document": b"config:\n  synapse:phase: 1\n",
    "no context": b"clusters: []\ncontexts: []\nusers: []\ncurrent-context: there\n",
    "no address": b"clusters: [{name: c, cluster: {server: nowhere}}]\ncontexts: [{name: x, context: {cluster: c}}]\n"
    b"users: []\ncurrent-context: x\n",
}
MAX_LINES: Final = 10
Run = Callable[..., tuple[object, str]]


def with_kubeconfig() -> Iterator[str]:
    root: Any = typer.main.get_command(application(COMMANDS))
    for path, command in commands("synapse", root):
        if any("--kubeconfig" in option.opts for option in command.params):
            yield path


USED: Final = sorted(set(with_kubeconfig()) - NOT_USED)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a stack, and return its exit code and everything that it printed."""
    config: Config = changed("consumers", {NAME: {"namespace": "cortex", "migration": migration()}})
    config["synapse:phase"] = 3
    monkeypatch.chdir(project(tmp_path, config))
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(cli, "unwind_on_sigterm", lambda: None)  # it would change the test process too

    def run(path: str, file: Path) -> tuple[object, str]:
        words = [*path.split(), *ARGUMENTS.get(path, ()), "--kubeconfig", file.name]
        stack = [] if path.startswith("synapse cluster ") else ["--stack", "mine"]
        monkeypatch.setattr(sys, "argv", [*words, *stack])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        message = ended.value.code if isinstance(ended.value.code, str) else ""
        output = capsys.readouterr()
        return ended.value.code, f"{output.out}{output.err}{message}"

    return run


def check(code: object, output: str, file: Path, advice: str) -> None:
    assert code not in {0, None}, output
    assert len(output.splitlines()) <= MAX_LINES, output
    assert "Traceback" not in output
    assert file.name in output
    assert advice in output


@pytest.mark.parametrize("path", USED)
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, run: Run, path: str) -> None:
    file = tmp_path / "garbage"
    for kind, content in GARBAGE.items():
        file.write_bytes(content)
        check(*run(path, file), file, "accepted: an address" if kind == "no address" else "accepted: a kubeconfig file")


@pytest.mark.parametrize("path", USED)
def test_a_file_that_is_not_there(tmp_path: Path, run: Run, path: str) -> None:
    check(*run(path, tmp_path / "gone"), tmp_path / "gone", "does not exist")


@pytest.mark.parametrize("path", USED)
def test_a_cluster_that_refuses_the_connection(tmp_path: Path, run: Run, path: str) -> None:
    with socket.socket() as reserved:  # bound, so that nobody else gets the port, and not listening
        reserved.bind(("127.0.0.1", 0))
        file = kubeconfig(tmp_path, f"https://127.0.0.1:{reserved.getsockname()[1]}")
        check(*run(path, file), file, "cannot be reached")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as files:
        yield files


@pytest.mark.parametrize("path", ["synapse status", "synapse health", "synapse doctor", "synapse cluster status"])
def test_a_server_that_is_no_cluster(tmp_path: Path, run: Run, server: FileServer, path: str) -> None:
    file = kubeconfig(tmp_path, server.url)
    check(*run(path, file), file, "404")


def test_every_command_is_named_that_needs_an_argument() -> None:
    assert set(ARGUMENTS) <= set(USED)
    assert len(USED) > 15
