"""`synapse refresh`: after an interrupted run, read back what the cluster has."""

import typer

from cli.options import Kubeconfig, Stack
from infra.settings.loader import load
from ops.cluster.target import engine, existing_cluster


def refresh(stack: Stack = "forge", kubeconfig: Kubeconfig = None) -> None:
    """Free the stack's lock and run `pulumi refresh`; the next `up` adopts whatever an interrupted one made."""
    pulumi = engine(stack, load(stack), existing_cluster(stack, kubeconfig))
    pulumi.run("cancel", "--yes")
    raise typer.Exit(pulumi.run("refresh", "--yes", "--clear-pending-creates"))
