"""`synapse pulumi`: any other command of the Pulumi CLI, on the stack's own engine and cluster."""

from typing import Final

import typer

from cli.options import Kubeconfig, Stack
from infra.settings.loader import load
from ops.cluster.target import engine, existing_cluster

CONTEXT: Final = {"ignore_unknown_options": True, "allow_extra_args": True}  # they are for Pulumi


def pulumi(context: typer.Context, stack: Stack = "forge", kubeconfig: Kubeconfig = None) -> None:
    """Run `pulumi ARGS` in the private engine, such as `synapse pulumi stack export`."""
    raise typer.Exit(engine(stack, load(stack), existing_cluster(stack, kubeconfig)).run(*context.args))
