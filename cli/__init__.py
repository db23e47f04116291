"""The `synapse` command. A module of this package is imported only for its own subcommands."""

import importlib
import signal
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from infra.errors import SynapseError
from tools.errors import ToolsError

if TYPE_CHECKING:
    import typer

INTERRUPTED: Final = 128 + signal.SIGINT

HELP: Final = "A budget-checked inference platform from one description of a GPU machine."
COMMANDS: Final[Mapping[str, str]] = {
    "plan": "plan",
    "fit": "proof.fit",
    "add": "proof.add",
    "validate": "validate",
    "routes": "plan",
    "manifests": "manifests",
    "lint": "manifests",
    "settings": "plan",
    "graph": "plan",
    "bench": "bench",
    "preview": "pulumi",
    "up": "up",
    "release": "release",
    "status": "status",
    "health": "health",
    "logs": "logs",
    "smoke": "smoke",
    "doctor": "doctor",
    "migrate": "migrate",
    "refresh": "pulumi",
    "down": "down",
    "clean": "down",
    "models": "models",
    "secret": "secret",
    "pulumi": "pulumi",
    "cluster": "cluster",
    "twin": "twin",
    "image": "image",
    "pins": "pins",
    "tools": "tools",
}
"""Subcommand -> its module, in the order of the help."""


def main() -> None:
    """Run the subcommand of the command line; an error is one message on stderr, with exit code 1."""
    unwind_on_sigterm()
    try:
        # The slow imports too happen here, where Ctrl-C is caught.
        application([name for name in COMMANDS if name in sys.argv[1:2]] or COMMANDS)()
    except (SynapseError, ToolsError) as error:
        sys.exit(f"synapse: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("synapse: interrupted\n")
        sys.exit(INTERRUPTED)


def application(names: Iterable[str]) -> "typer.Typer":
    """Return the application with these subcommands."""
    import typer  # noqa: PLC0415 - it takes a quarter of a second, in which Ctrl-C would print a traceback

    app = typer.Typer(name="synapse", help=HELP, no_args_is_help=True, add_completion=False)
    app.callback()(lambda: None)  # with it, an application of one command keeps the command's name
    for name in names:
        _add(app, name)
    return app


def unwind_on_sigterm() -> None:
    """Turn SIGTERM into SystemExit, so that `finally` blocks end the programs that were started."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def _add(app: "typer.Typer", name: str) -> None:
    """Add a group of commands where the module has an `app`, else the command of that name."""
    module = importlib.import_module(f"cli.{COMMANDS[name]}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name, context_settings=getattr(module, "CONTEXTS", {}).get(name))(getattr(module, name))
