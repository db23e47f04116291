"""Default stack: one for every command and every make target, unless SYNAPSE_STACK names another."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli import COMMANDS, application
from cli.options import DEFAULT_STACK
from infra.settings.model import ROOT
from tests.cli.test_commands import synapse
from tests.conftest import changed, forge_config


def commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, subcommand in getattr(command, "commands", {}).items():
        yield from commands(f"{path} {name}", subcommand)


def test_every_stack_option_has_the_same_default() -> None:
    root: Any = typer.main.get_command(application(COMMANDS))
    options = {
        path: option
        for path, command in commands("synapse", root)
        for option in command.params
        if "--stack" in option.opts
    }
    assert len(options) > 20
    assert {option.default for option in options.values()} == {DEFAULT_STACK}
    assert {option.envvar for option in options.values()} == {"SYNAPSE_STACK"}


def test_the_default_stack_is_in_this_checkout() -> None:
    assert (ROOT / f"Pulumi.{DEFAULT_STACK}.yaml").is_file()


def test_synapse_stack_names_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    for name, config in (("local", changed("phase", 1)), ("mine", forge_config())):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": config}))
    monkeypatch.delenv("SYNAPSE_STACK", raising=False)
    assert "vllm-inference" not in synapse(tmp_path, "plan").stdout
    monkeypatch.setenv("SYNAPSE_STACK", "mine")
    assert "vllm-inference" in synapse(tmp_path, "plan").stdout
    assert "vllm-inference" not in synapse(tmp_path, "plan", "--stack", "local").stdout


def recipe(*arguments: str) -> str:
    command = ["/usr/bin/make", "--dry-run", "--directory", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", ["up", "plan", "down", "status"])
def test_make_leaves_the_default_to_the_command(target: str) -> None:
    assert "--stack" not in recipe(target)


def test_make_passes_its_stack_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNAPSE_STACK", raising=False)
    assert "build/bench-forge.json" in recipe("bench-stack", "STACK=forge")
    assert "build/bench.json" in recipe("bench-stack")
