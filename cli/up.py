"""`synapse up`: prove the change first, then make it, then show what is there and ask it."""

from pathlib import Path

import typer

from cli.options import Kubeconfig, Phase, Stack
from cli.smoke import passes
from cli.status import is_complete, show
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from ops.cluster.state import read
from ops.cluster.target import GATEWAY, PACK, at_phase, cluster, engine, forwards
from tools.cluster import Cluster
from tools.images.build import Images

UP = ("up", "--yes", "--skip-preview", *PACK)


def up(stack: Stack = "forge", phase: Phase = None, kubeconfig: Kubeconfig = None) -> None:
    """Preview under the policy pack, then `pulumi up`; a private cluster is started where none is named, and asked."""
    planned = plan(at_phase(load(stack), phase))
    planned.ledger.check()
    target = cluster(stack, planned.settings, kubeconfig)
    pulumi = engine(stack, planned.settings, target)
    # Stack rules run only after the changes during `up`: the preview is what refuses in time.
    if code := pulumi.run("preview", *PACK):
        raise typer.Exit(code)
    build(planned)
    if code := pulumi.run(*UP):
        raise typer.Exit(code)
    state = read(target, *planned.namespaces, context=planned.settings.context)
    show(planned, state)
    passed = is_complete(planned, state)
    if kubeconfig is None and planned.settings.node.embedded:
        passed = answers(planned, stack, target) and passed
    raise typer.Exit(0 if passed else 1)


def build(planned: Plan) -> None:
    """Build the stack's images here, where the builder is seen at work; Pulumi then finds them and hands them on.

    A build host is left to Pulumi.
    """
    if planned.settings.build_host:
        return
    for source in sorted({service.source for service in planned.services if service.source}):
        Images().build(ROOT / source)


def answers(planned: Plan, stack: str, kubeconfig: Path) -> bool:
    """Ask the gateway of the private cluster real questions, and say where it is; True without a gateway."""
    if not forwards(planned.settings):
        return True
    passed = passes(planned, stack, kubeconfig)
    typer.echo(f"gateway: http://{Cluster(stack).address(GATEWAY)}")
    return passed
