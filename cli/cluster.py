"""`synapse cluster`: a private Kubernetes with real pods on this machine, or the one in `SYNAPSE_KUBECONFIG`."""

import os
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
from kubernetes import client, config
from rich.console import Console
from rich.table import Table

from tools.cluster import Cluster, ClusterStatus
from tools.progress import say

WIDTH = 200  # a path is to be copied whole, wherever this is printed
NODE_LOG = "node"
TAIL_LINES = 200

app = typer.Typer(help="A private Kubernetes with real pods on this machine.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", "-n", help="The cluster's name; clusters may run side by side.")]
Given = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", envvar="SYNAPSE_KUBECONFIG", exists=True, dir_okay=False, help="Use this cluster; start none."
    ),
]


@app.command()
def up(name: Name = "local", kubeconfig: Given = None) -> None:
    """Bring the cluster up, or repair it; prints the path of its kubeconfig."""
    typer.echo(kubeconfig or Cluster(name).up())


@app.command()
def down(
    name: Name = "local",
    kubeconfig: Given = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove its objects, images and volumes too.")] = False,
) -> None:
    """End the cluster; the next `up` finds its objects, images and volumes."""
    if kubeconfig:
        say(f"{kubeconfig} is not a cluster of ours: nothing to end")
    elif delete:
        Cluster(name).delete()
    else:
        Cluster(name).down()


@app.command()
def status(name: Name = "local", kubeconfig: Given = None) -> None:
    """Show the cluster's components, node and addresses; exit 1 when it is not healthy."""
    console = Console(width=WIDTH)
    if kubeconfig:
        console.print(nodes(kubeconfig))
        return
    now = Cluster(name).status()
    console.print(table(now))
    raise typer.Exit(0 if now.is_healthy else 1)


@app.command()
def logs(
    component: Annotated[str, typer.Argument(help="One of those that `status` shows.")] = NODE_LOG,
    name: Name = "local",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is added.")] = False,
) -> None:
    """Print the last lines that a component wrote; the node's own where none is named."""
    file = Cluster(name).log(component)
    wait = ["-F"] if follow else []
    raise typer.Exit(subprocess.run(["/usr/bin/tail", "-n", str(TAIL_LINES), *wait, file], check=False).returncode)


def table(now: ClusterStatus) -> Table:
    """One line per component, then what they amount to, then the ways in."""
    lines = Table("part", "state", "detail", title=f"cluster {now.name}", title_justify="left", box=None)
    for component, item in now.components.items():
        lines.add_row(component, "running" if item["pid"] else "ended", f"started {item['starts']} times")
    ready = {True: "ready", False: "not ready"}
    lines.add_row("API server", ready[now.api_ready], os.fspath(now.kubeconfig) if now.exists else "none")
    lines.add_row("node", ready[now.node_ready], now.name if now.exists else "none")
    lines.add_row("names and volumes", ready[now.system_ready], "CoreDNS, local-path")
    for forward, address in now.addresses.items():
        lines.add_row(f"forward {forward}", "", address)
    return lines


def nodes(kubeconfig: Path) -> Table:
    """One line per node of somebody else's cluster."""
    with config.new_client_from_config(str(kubeconfig)) as api:  # type: ignore[no-untyped-call]
        found: list[Any] = client.CoreV1Api(api).list_node().items
    lines = Table("node", "state", "version", title=os.fspath(kubeconfig), title_justify="left", box=None)
    for node in found:
        ready = next((item.status for item in node.status.conditions if item.type == "Ready"), "Unknown")
        state = "ready" if ready == "True" else "not ready"
        lines.add_row(node.metadata.name, state, node.status.node_info.kubelet_version)
    return lines
