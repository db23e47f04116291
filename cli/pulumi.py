"""`synapse preview`, `refresh` and `pulumi`: commands of Pulumi on the stack's own engine and cluster."""

from typing import Annotated, Final

import typer

from cli.options import DEFAULT_STACK, Kubeconfig, Phase, Stack
from infra.settings.loader import load
from ops import deployment
from ops.cluster.target import at_phase

CONTEXTS: Final = {"pulumi": {"ignore_unknown_options": True, "allow_extra_args": True}}  # Pulumi reads them


Refresh = Annotated[
    bool,
    typer.Option(
        "--refresh", help="Read the cluster first, so that drift is shown: changes that were made without Pulumi."
    ),
]
ExpectNoChanges = Annotated[bool, typer.Option("--expect-no-changes", help="Exit non-zero when there is a change.")]


def preview(
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    refresh: Refresh = False,
    expect_no_changes: ExpectNoChanges = False,
) -> None:
    """Show the changes of a deployment under the policy pack; exit non-zero when it is refused."""
    chosen = {"--refresh": refresh, "--expect-no-changes": expect_no_changes}
    options = [option for option, is_chosen in chosen.items() if is_chosen]
    raise typer.Exit(deployment.preview(at_phase(load(stack), phase), stack, kubeconfig, options))


def refresh(stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None) -> None:
    """Read the cluster's state after an interrupted run, and free the stack's lock; the next `up` continues."""
    raise typer.Exit(deployment.refresh(stack, kubeconfig))


def pulumi(context: typer.Context, stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None) -> None:
    """Run `pulumi ARGS` in the stack's private engine, such as `synapse pulumi stack export`."""
    raise typer.Exit(deployment.run_pulumi(stack, kubeconfig, context.args))
