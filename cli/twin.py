"""`synapse twin`: a private Kubernetes with one simulated node of the size that a stack describes."""

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.options import Stack
from infra.settings.loader import load
from infra.settings.model import Settings
from tools.twin import SimulatedNode, Twin, TwinStatus

WIDTH = 200  # a path is to be copied whole, wherever this is printed

app = typer.Typer(help="A real API server and scheduler with a simulated node.", no_args_is_help=True)

Name = Annotated[str | None, typer.Option("--name", "-n", help="The twin's name; the stack's where it is left out.")]


@app.command()
def up(stack: Stack = "forge", name: Name = None) -> None:
    """Bring the twin up, or repair it; prints the path of its kubeconfig."""
    typer.echo(Twin(name or stack).up(node_of(load(stack))))


@app.command()
def down(stack: Stack = "forge", name: Name = None) -> None:
    """End the twin and remove everything of it."""
    Twin(name or stack).down()


@app.command()
def status(stack: Stack = "forge", name: Name = None) -> None:
    """Show the twin's processes and node; exit 1 when it is not healthy."""
    now = Twin(name or stack).status()
    Console(width=WIDTH).print(table(now))
    raise typer.Exit(0 if now.is_healthy else 1)


def node_of(settings: Settings) -> SimulatedNode:
    """The stack's machine as the twin simulates it."""
    node = settings.node
    return SimulatedNode(
        name=node.name,
        memory=node.memory,
        cpu=node.cpus,
        gpus=node.gpu_shares,
        storage_class=node.storage_class,
        runtime_class=node.runtime_class,
    )


def table(now: TwinStatus) -> Table:
    """One line per process, then what they amount to."""
    lines = Table("part", "state", "detail", title=f"twin {now.name}", title_justify="left", box=None)
    for process, pid in now.processes.items():
        lines.add_row(process, "running" if process in now.running else "ended", f"pid {pid}")
    lines.add_row("API server", "ready" if now.api_ready else "not ready", os.fspath(now.kubeconfig))
    lines.add_row("node", "ready" if now.node_ready else "not ready", now.node.name if now.node else "none")
    return lines
