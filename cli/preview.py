"""`synapse preview`: what would change, and whether the policy pack lets it."""

import typer

from cli.options import Kubeconfig, Phase, Stack
from infra.settings.loader import load
from ops.cluster.target import PACK, at_phase, cluster, engine


def preview(stack: Stack = "forge", phase: Phase = None, kubeconfig: Kubeconfig = None) -> None:
    """Run `pulumi preview` under the policy pack; exit non-zero when it is refused."""
    settings = at_phase(load(stack), phase)
    target = cluster(stack, settings, kubeconfig)
    raise typer.Exit(engine(stack, settings, target).run("preview", "--diff", *PACK))
