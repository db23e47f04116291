"""`synapse release`: the gateway of a commit, deployed by digest and verified."""

import json
import sys

import typer

from cli import output
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Stack
from infra.plan.stack import plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from ops.cluster.connection import check_reachable
from ops.cluster.pods import connect_pods
from ops.cluster.target import engine, ensure_cluster, existing_cluster
from ops.deployment import alone
from ops.release.checkout import clean_commit
from ops.release.release import GatewayRelease, built_gateway
from ops.release.report import ReleaseReport
from ops.stack_secrets import with_secrets


def release(stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Build, deploy and verify the gateway; roll back on failure.

    Exit codes: 0 released; 1 refused or not built, and nothing was changed; 3 rolled back, the previous gateway
    serves; 4 broken, and the rollback failed too.
    """
    settings = load(stack)
    if kubeconfig:
        check_reachable(kubeconfig, settings.context)
    planned = plan(with_secrets(stack, settings, kubeconfig))
    planned.ledger.check()
    gateway, commit = built_gateway(planned), clean_commit(ROOT)
    target = ensure_cluster(stack, planned.settings, kubeconfig) if kubeconfig else existing_cluster(stack, None)
    pulumi = engine(stack, planned.settings, target)
    with alone(pulumi), connect_pods(target, planned.settings.namespace, planned.settings.context) as pods:
        report = GatewayRelease(
            planned=planned,
            stack=stack,
            commit=commit,
            gateway=gateway,
            kubeconfig=target,
            named=kubeconfig,
            pulumi=pulumi,
            pods=pods,
            output=sys.stderr if as_json else None,
        ).run()
    _show(report, as_json=as_json)
    raise typer.Exit(report.outcome.value)


def _show(report: ReleaseReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.document(), indent=2))
    else:
        output.say("\n".join(report.lines()))
