"""`synapse down`: destroy the stack; its claims stay, on an embedded cluster too, and go with a twin."""

from typing import Annotated

import typer

from cli.options import Kubeconfig, Stack
from infra.settings.loader import load
from ops.cluster.target import engine, existing_cluster, own
from tools.cluster import Cluster
from tools.errors import ToolsError

Volumes = Annotated[bool, typer.Option("--volumes", help="Remove the embedded cluster's data too: models and voices.")]


def down(stack: Stack = "forge", kubeconfig: Kubeconfig = None, volumes: Volumes = False) -> None:
    """Run `pulumi destroy`, then end the private cluster unless another one is named."""
    settings = load(stack)
    if volumes and kubeconfig:
        raise ToolsError(
            f"--volumes removes the data of a private cluster, and {kubeconfig} is another: "
            f"use `kubectl delete namespace {settings.namespace}` there"
        )
    private = own(stack, settings)
    # A cluster that has ended already still holds everything: its next life takes it up from there.
    is_there = kubeconfig or not isinstance(private, Cluster) or private.status().api_ready
    if is_there and (code := engine(stack, settings, existing_cluster(stack, kubeconfig)).run("destroy", "--yes")):
        raise typer.Exit(code)
    if kubeconfig is None:
        private.down()
    if volumes and isinstance(private, Cluster):
        private.delete()
