"""`synapse twin`: a private Kubernetes with one simulated node of the size that a stack describes."""

import os
from typing import Annotated

import typer
from rich.table import Table

from cli.options import DEFAULT_STACK, Stack
from cli.output import show
from infra.settings.loader import load
from ops.cluster.target import simulated_node
from tools.progress import say
from tools.twin import Twin, TwinStatus

WIDTH = 200  # wide enough for a path to be printed whole, so that it can be copied

app = typer.Typer(help="A real API server and scheduler with a simulated node.", no_args_is_help=True)

Name = Annotated[str | None, typer.Option("--name", "-n", help="Name of the twin; default: the stack's.")]


@app.command()
def up(stack: Stack = DEFAULT_STACK, name: Name = None) -> None:
    """Start or repair the twin, and print the path of its kubeconfig."""
    typer.echo(Twin(name or stack).up(simulated_node(load(stack))))


@app.command()
def down(stack: Stack = DEFAULT_STACK, name: Name = None) -> None:
    """End the twin and delete its data."""
    twin = Twin(name or stack)
    is_there = twin.folder.exists()
    twin.down()
    say(f"twin {twin.name} was ended, and its data deleted" if is_there else f"there is no twin {twin.name}")


@app.command()
def status(stack: Stack = DEFAULT_STACK, name: Name = None) -> None:
    """Show the twin's processes and node; exit 1 when it is not healthy."""
    twin = Twin(name or stack).status()
    show(_table(twin), width=WIDTH)
    raise typer.Exit(0 if twin.is_healthy else 1)


def _table(twin: TwinStatus) -> Table:
    """Return a row for each process, then rows for the API server and the node."""
    rows = Table("part", "state", "detail", title=f"twin {twin.name}", title_justify="left", box=None)
    for process, pid in twin.processes.items():
        rows.add_row(process, "running" if process in twin.running else "ended", f"pid {pid}")
    rows.add_row("API server", "ready" if twin.api_ready else "not ready", os.fspath(twin.kubeconfig))
    rows.add_row("node", "ready" if twin.node_ready else "not ready", twin.node.name if twin.node else "none")
    return rows
