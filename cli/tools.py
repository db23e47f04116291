"""`synapse tools`: the pinned programs, and the origin of each on this machine."""

import typer
from rich.table import Table

from cli import output
from tools import paths
from tools.offline.pins import PINS
from tools.offline.toolchain import Toolchain

WIDTH = 200  # wide enough for a path to be printed whole, so that it can be copied

app = typer.Typer(help="Pinned programs that Synapse runs.", no_args_is_help=True)


@app.command("list")
def show() -> None:
    """Show each tool with its version, origin and path; nothing is fetched or built."""
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
        tool = toolchain.find(name)
        row = (tool.version, tool.origin, str(tool.path)) if tool else (pin.version, "-", "not installed")
        table.add_row(name, *row)
    output.show(table, width=WIDTH)
