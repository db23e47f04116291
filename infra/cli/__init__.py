"""The `synapse` command. Each subcommand is a file of its own, read only when it is asked for."""

import importlib
import sys
from typing import Final

import typer

from infra.errors import SynapseError
from tools.errors import ToolsError

COMMANDS: Final = (
    "plan",
    "routes",
    "manifests",
    "settings",
    "status",
    "preview",
    "up",
    "down",
    "refresh",
    "twin",
    "tools",
)


def main() -> None:
    """Run the subcommand of the command line; what is wrong is said in one message, with exit code 1."""
    app = typer.Typer(name="synapse", help=__doc__, no_args_is_help=True, add_completion=False)
    asked = [name for name in COMMANDS if name in sys.argv[1:2]] or COMMANDS
    for name in asked:
        app.add_typer(importlib.import_module(f"infra.cli.{name}").app, name=name)
    try:
        app()
    except (SynapseError, ToolsError) as error:
        sys.exit(f"synapse: {error}")
