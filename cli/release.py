"""`synapse release`: the gateway of this commit, or else the one that serves now."""

import json
import sys

import typer
from rich.console import Console

from cli.options import AsJson, Kubeconfig, Stack
from infra.errors import ReleaseError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan, plan
from infra.quantities import BUILD
from infra.settings.loader import load
from infra.settings.model import ROOT
from infra.settings.schema import PREFIX
from ops.cluster.pods import pods
from ops.cluster.target import cluster, engine, existing_cluster
from ops.release.checkout import clean
from ops.release.release import Releasing
from ops.release.report import Report
from ops.smoke.scope import gateway
from tools.locks import exclusive
from tools.progress import say


def release(stack: Stack = "forge", kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Build the gateway of this commit, deploy it by digest, look at every pod, ask it, and roll back if it is broken.

    Exit codes: 0 released; 1 refused or not built, and nothing was changed; 3 rolled back, the gateway from before
    serves; 4 broken, and the way back too.
    """
    planned = plan(load(stack))
    planned.ledger.check()
    found = _built_here(planned)
    commit = clean(ROOT)
    target = cluster(stack, planned.settings, kubeconfig) if kubeconfig else existing_cluster(stack, None)
    pulumi = engine(stack, planned.settings, target)
    alone = exclusive(pulumi.state / "releasing", lambda: say("another release is under way; waiting for its end ..."))
    with alone, pods(target, planned.settings.namespace, planned.settings.context) as known:
        releasing = Releasing(
            planned=planned,
            stack=stack,
            commit=commit,
            gateway=found,
            kubeconfig=target,
            named=kubeconfig,
            pulumi=pulumi,
            pods=known,
            output=sys.stderr if as_json else None,
        )
        report = releasing.run()
    _show(report, as_json=as_json)
    raise typer.Exit(report.outcome.value)


def _built_here(planned: Plan) -> ServicePlan:
    found = gateway(planned)
    if found.source is None:
        raise ReleaseError(
            f"{PREFIX}services.{found.name}.image: got {found.image}; accepted: {BUILD}, which a release builds; "
            "an image that is pinned is deployed by `synapse up`"
        )
    return found


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.document(), indent=2))
    else:
        Console(soft_wrap=True, highlight=False).print(*report.lines(), sep="\n", markup=False)
