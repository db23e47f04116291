"""`synapse up`: preview, deploy, show the state, and run the smoke test on a private cluster."""

from typing import Annotated

import typer

from cli.options import DEFAULT_STACK, Kubeconfig, Phase, Stack
from cli.smoke import smoke_test
from cli.status import show
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.cluster.completion import wait_until_complete
from ops.cluster.state import is_complete, read
from ops.cluster.target import GATEWAY, at_phase, ensure_cluster, forwards
from ops.deployment import deploy
from ops.stack_secrets import ensure_dashboard_token, with_secrets
from tools.cluster import Cluster

Adopt = Annotated[
    bool, typer.Option("--adopt", help="Take over a stack that another engine, with a state of its own, has deployed.")
]
SkipSmoke = Annotated[bool, typer.Option("--skip-smoke", help="Do not send requests to the gateway at the end.")]


def up(
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    adopt: Adopt = False,
    skip_smoke: SkipSmoke = False,
) -> None:
    """Preview under the policy pack, deploy, wait for all pods, and show the state.

    Without a kubeconfig, a private cluster or a twin of the node is started first. A cluster with real pods is tested
    with requests at the end, and the addresses of the gateway and of its dashboard are printed.
    """
    settings = at_phase(load(stack), phase)
    plan(settings).ledger.check()
    target = ensure_cluster(stack, settings, kubeconfig)
    is_local = kubeconfig is None and settings.node.embedded
    token = ensure_dashboard_token(stack, settings) if is_local and forwards(settings) else None
    planned = plan(with_secrets(stack, settings, kubeconfig))
    if code := deploy(planned, stack, target, adopt=adopt):
        raise typer.Exit(code)
    context = planned.settings.context
    state = wait_until_complete(planned, lambda: read(target, *planned.namespaces, context=context))
    show(planned, state)
    passed = is_complete(planned, state)
    if is_local and forwards(planned.settings):
        passed = (skip_smoke or smoke_test(planned, stack, target)) and passed
        _show_addresses(stack, token)
    raise typer.Exit(0 if passed else 1)


def _show_addresses(stack: str, new_token: str | None) -> None:
    """Print the addresses of the gateway and of its dashboard."""
    url = f"http://{Cluster(stack).address(GATEWAY)}"
    token = (
        f"token: {new_token}" if new_token else f"`synapse secret show --stack {stack} dashboardToken` prints its token"
    )
    typer.echo(f"gateway: {url}\ndashboard: {url}/dashboard ({token})")
