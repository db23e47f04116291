"""`synapse up`: prove the change first, then make it, then show what is there."""

import typer

from infra.cli.cluster_state import read
from infra.cli.options import Kubeconfig, Phase, Stack
from infra.cli.status import is_complete, show
from infra.cli.target import PACK, at_phase, cluster, engine
from infra.plan import plan
from infra.settings import load


def up(stack: Stack = "forge", phase: Phase = None, kubeconfig: Kubeconfig = None) -> None:
    """Preview under the policy pack, then `pulumi up`; the stack's twin is started where no cluster is named."""
    planned = plan(at_phase(load(stack), phase))
    planned.ledger.check()
    target = cluster(stack, planned.settings, kubeconfig)
    pulumi = engine(stack, planned.settings, target)
    # Stack rules run only after the changes during `up`: the preview is what refuses in time.
    for command in (("preview", *PACK), ("up", "--yes", "--skip-preview", *PACK)):
        if code := pulumi.run(*command):
            raise typer.Exit(code)
    state = read(target, *planned.namespaces)
    show(planned, state)
    raise typer.Exit(0 if is_complete(planned, state) else 1)
