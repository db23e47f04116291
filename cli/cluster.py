"""`synapse cluster`: a private Kubernetes with real pods on this machine, or the one in `SYNAPSE_KUBECONFIG`."""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.output import show
from ops.cluster.connection import check_reachable
from ops.cluster.nodes import NodeState, read_nodes
from tools.cluster import Cluster, ClusterStatus
from tools.progress import say

WIDTH = 200  # wide enough for a path to be printed whole, so that it can be copied
NODE_LOG = "node"
TAIL_LINES = 200

app = typer.Typer(help="A private Kubernetes with real pods on this machine.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", "-n", help="Name of the cluster; several may run side by side.")]
ExistingCluster = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        envvar="SYNAPSE_KUBECONFIG",
        exists=True,
        dir_okay=False,
        help="Kubeconfig of an existing cluster; no private cluster is started then.",
    ),
]
Component = Annotated[str, typer.Argument(help="Component that `status` shows.")]


@app.command()
def up(name: Name = "local", kubeconfig: ExistingCluster = None) -> None:
    """Start or repair the cluster, and print the path of its kubeconfig."""
    if kubeconfig:
        check_reachable(kubeconfig, None)
    typer.echo(kubeconfig or Cluster(name).up())


@app.command()
def down(
    name: Name = "local",
    kubeconfig: ExistingCluster = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete its objects, images and volumes too.")] = False,
) -> None:
    """End the cluster; its objects, images and volumes stay for the next `up`."""
    if kubeconfig:
        say(f"{kubeconfig} is not a private cluster, so nothing was ended")
        return
    cluster = Cluster(name)
    is_there = cluster.folder.exists()
    if delete:
        cluster.delete()
    else:
        cluster.down()
    fate = "and its data deleted" if delete else f"and its data stays in {cluster.folder}"
    say(f"cluster {name} was ended, {fate}" if is_there else f"there is no cluster {name}; nothing was ended")


@app.command()
def status(name: Name = "local", kubeconfig: ExistingCluster = None) -> None:
    """Show the cluster's components, node and addresses; exit 1 when it is not healthy."""
    if kubeconfig:
        show(_node_table(read_nodes(kubeconfig), os.fspath(kubeconfig)), width=WIDTH)
        return
    cluster = Cluster(name).status()
    show(_table(cluster), width=WIDTH)
    raise typer.Exit(0 if cluster.is_healthy else 1)


@app.command()
def logs(
    component: Component = NODE_LOG,
    name: Name = "local",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines too, until Ctrl-C.")] = False,
) -> None:
    """Print the last log lines of a component; default: the node."""
    file = Cluster(name).log(component)
    options = ["-F"] if follow else []
    raise typer.Exit(subprocess.run(["/usr/bin/tail", "-n", str(TAIL_LINES), *options, file], check=False).returncode)


def _table(cluster: ClusterStatus) -> Table:
    """Return a row for each component, then rows for the API server, the node, the system pods and the forwards."""
    rows = Table("part", "state", "detail", title=f"cluster {cluster.name}", title_justify="left", box=None)
    for component, item in cluster.components.items():
        rows.add_row(component, "running" if item["pid"] else "ended", _starts(item["starts"]))
    ready = {True: "ready", False: "not ready"}
    rows.add_row("API server", ready[cluster.api_ready], os.fspath(cluster.kubeconfig) if cluster.exists else "none")
    rows.add_row("node", ready[cluster.node_ready], cluster.name if cluster.exists else "none")
    rows.add_row("DNS and volumes", ready[cluster.system_ready], "CoreDNS, local-path")
    for forward, address in cluster.addresses.items():
        rows.add_row(f"forward {forward}", "", address)
    return rows


def _starts(count: int) -> str:
    return "started once" if count == 1 else f"started {count} times"


def _node_table(nodes: tuple[NodeState, ...], title: str) -> Table:
    rows = Table("node", "state", "version", title=title, title_justify="left", box=None)
    for node in nodes:
        rows.add_row(node.name, "ready" if node.is_ready else "not ready", node.version)
    return rows
