"""Commands of `synapse` in the process of the tests, and what they print, raise and write."""

from pathlib import Path

import yaml
from typer.testing import CliRunner, Result

from cli import application
from infra.errors import SynapseError


def synapse(*arguments: str) -> Result:
    return CliRunner().invoke(application([arguments[0]]), list(arguments))


def add(*arguments: str) -> Result:
    return synapse("add", *arguments, "--stack", "forge", "--yes")


def message(result: Result) -> str:
    assert isinstance(result.exception, SynapseError), result.output
    return str(result.exception)


def config(file: Path) -> dict[str, dict[str, object]]:
    content: dict[str, dict[str, object]] = yaml.safe_load(file.read_text())["config"]
    return content
