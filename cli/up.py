"""`synapse up`: preview, deploy, show the state, and run the smoke test on a private cluster."""

from pathlib import Path

import typer

from cli.options import DEFAULT_STACK, Kubeconfig, Phase, Stack
from cli.smoke import smoke_test
from cli.status import show
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.state import is_complete, read
from ops.cluster.target import GATEWAY, at_phase, ensure_cluster, forwards
from ops.deployment import deploy
from tools.cluster import Cluster


def up(stack: Stack = DEFAULT_STACK, phase: Phase = None, kubeconfig: Kubeconfig = None) -> None:
    """Preview under the policy pack, deploy, and show the state; start a private cluster first, and test it then."""
    planned = plan(at_phase(load(stack), phase))
    planned.ledger.check()
    target = ensure_cluster(stack, planned.settings, kubeconfig)
    if code := deploy(planned, stack, target):
        raise typer.Exit(code)
    state = read(target, *planned.namespaces, context=planned.settings.context)
    show(planned, state)
    passed = is_complete(planned, state)
    if kubeconfig is None and planned.settings.node.embedded:
        passed = _test_gateway(planned, stack, target) and passed
    raise typer.Exit(0 if passed else 1)


def _test_gateway(planned: Plan, stack: str, kubeconfig: Path) -> bool:
    """Run the smoke test and print the gateway's address; True for a stack without a gateway."""
    if not forwards(planned.settings):
        return True
    passed = smoke_test(planned, stack, kubeconfig)
    typer.echo(f"gateway: http://{Cluster(stack).address(GATEWAY)}")
    return passed
