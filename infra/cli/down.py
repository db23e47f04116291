"""`synapse down`: destroy the stack; its claims stay on a real cluster, and go with a twin."""

import typer

from infra.cli.options import Kubeconfig, Stack
from infra.cli.target import engine, existing_cluster
from infra.settings import load
from tools.twin import Twin


def down(stack: Stack = "forge", kubeconfig: Kubeconfig = None) -> None:
    """Run `pulumi destroy`, then end the twin unless a cluster is named."""
    if code := engine(stack, load(stack), existing_cluster(stack, kubeconfig)).run("destroy", "--yes"):
        raise typer.Exit(code)
    if kubeconfig is None:
        Twin(stack).down()
