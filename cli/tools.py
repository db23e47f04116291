"""`synapse tools`: the pinned programs, and where each comes from on this machine."""

import typer
from rich.console import Console
from rich.table import Table

from tools import paths
from tools.offline.pins import PINS
from tools.offline.toolchain import Toolchain

WIDTH = 200  # a path is to be copied whole, wherever this is printed

app = typer.Typer(help="The programs Synapse runs, pinned.", no_args_is_help=True)


@app.command("list")
def show() -> None:
    """Show each tool, its version, where it is from and its path; fetches and builds nothing."""
    _print(Toolchain(paths.cache()))


@app.command()
def install() -> None:
    """Find, fetch or build every tool, then show them."""
    toolchain = Toolchain(paths.cache())
    for name in PINS:
        toolchain.resolve(name)
    _print(toolchain)


def _print(toolchain: Toolchain) -> None:
    table = Table("tool", "version", "from", "path", box=None)
    for name, pin in PINS.items():
        found = toolchain.find(name)
        row = (found.version, found.origin, str(found.path)) if found else (pin.version, "-", "not here yet")
        table.add_row(name, *row)
    Console(width=WIDTH).print(table)
