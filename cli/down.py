"""`synapse down` and `clean`: removal of a stack, at once or after a list of the losses and a confirmation."""

from typing import Annotated

import typer

from cli.options import DEFAULT_STACK, Kubeconfig, Stack
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.removal import delete_pvcs, destroy, losses

DeleteClusterData = Annotated[
    bool, typer.Option("--volumes", help="Delete the data of the private cluster too: its models, voices and secrets.")
]
DeletePvcs = Annotated[
    bool, typer.Option("--volumes", help="Delete the PVCs or the private cluster's data too: models and voices.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]


def down(stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None, volumes: DeleteClusterData = False) -> None:
    """Destroy the stack and end its private cluster, if it has one.

    Models and voices stay in the cluster's folder for the next `up`, or as PVCs in a cluster of your own; a twin's
    folder is deleted.
    """
    if code := destroy(stack, kubeconfig, volumes=volumes):
        raise typer.Exit(code)


def clean(
    stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None, volumes: DeletePvcs = False, yes: Yes = False
) -> None:
    """List what is lost, ask, then destroy the stack and end its private cluster; exit 1 without a confirmation."""
    planned = plan(load(stack))
    for line in losses(planned, stack, kubeconfig, volumes=volumes):
        typer.echo(line, err=True)
    if not (yes or _has_consent()):
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(1)
    down(stack, kubeconfig, volumes=volumes and kubeconfig is None)
    if volumes and kubeconfig:
        delete_pvcs(kubeconfig, planned.settings)


def _has_consent() -> bool:
    """Ask on the terminal; without a terminal the answer is no."""
    try:
        return typer.confirm("Go on?", err=True)
    except typer.Abort:
        return False
