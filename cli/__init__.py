"""The `synapse` command. Each subcommand is a file of its own, read only when it is asked for."""

import importlib
import signal
import sys
from typing import Final

import typer

from infra.errors import SynapseError
from tools.errors import ToolsError

HELP: Final = "A budget-checked inference platform from one description of a GPU machine."
COMMANDS: Final = (
    "plan",
    "validate",
    "routes",
    "manifests",
    "lint",
    "settings",
    "graph",
    "bench",
    "preview",
    "up",
    "release",
    "status",
    "health",
    "logs",
    "smoke",
    "doctor",
    "migrate",
    "refresh",
    "down",
    "clean",
    "models",
    "pulumi",
    "cluster",
    "twin",
    "image",
    "tools",
)


def main() -> None:
    """Run the subcommand of the command line; what is wrong is said in one message, with exit code 1."""
    heed_termination()
    app = typer.Typer(name="synapse", help=HELP, no_args_is_help=True, add_completion=False)
    app.callback()(lambda: None)  # with it, a single command keeps its name
    for name in [name for name in COMMANDS if name in sys.argv[1:2]] or COMMANDS:
        _add(app, name)
    try:
        app()
    except (SynapseError, ToolsError) as error:
        sys.exit(f"synapse: {error}")


def heed_termination() -> None:
    """Let SIGTERM unwind the program: whoever waits for another program then ends that first."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def _add(app: typer.Typer, name: str) -> None:
    """Add a module of this package: a group of commands if it has an `app`, else the command of its own name."""
    module = importlib.import_module(f"cli.{name}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name, context_settings=getattr(module, "CONTEXT", None))(getattr(module, name))
