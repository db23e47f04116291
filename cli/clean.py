"""`synapse clean`: take a stack away, after saying what goes and what stays, and being told to."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from kubernetes import client

from cli.down import down
from cli.options import Kubeconfig, Stack
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.model import Settings
from ops.cluster.connection import connected
from ops.cluster.state import OURS, ClaimState, read
from ops.cluster.target import existing_cluster, own
from tools.cluster import Cluster
from tools.twin import Twin

Volumes = Annotated[bool, typer.Option("--volumes", help="The claims too, with the models and voices on them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def clean(stack: Stack = "forge", kubeconfig: Kubeconfig = None, volumes: Volumes = False, yes: Yes = False) -> None:
    """Destroy the stack, and end its private cluster; exit 1, with everything as it was, unless it is agreed to."""
    planned = plan(load(stack))
    for line in losses(planned, stack, kubeconfig, volumes=volumes):
        typer.echo(line, err=True)
    if not (yes or _agreed()):
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(1)
    down(stack, kubeconfig, volumes=volumes and kubeconfig is None)
    if volumes and kubeconfig:
        _delete_claims(kubeconfig, planned.settings)


def losses(planned: Plan, stack: str, kubeconfig: Path | None, *, volumes: bool) -> Iterator[str]:
    """What goes and what stays, a line for each. Raises ToolsError where there is no cluster."""
    private = own(stack, planned.settings)
    if kubeconfig is None and isinstance(private, Cluster) and not private.status().api_ready:
        fate = "goes with every volume on it" if volumes else "stays for the next `synapse up`; --volumes removes it"
        yield f"The cluster of {stack} has ended; what {private.folder} holds {fate}."
        return
    target = existing_cluster(stack, kubeconfig)
    state = read(target, *planned.namespaces, context=planned.settings.context)
    yield f"Of the stack {stack}, in namespace {planned.settings.namespace} of {target}:"
    for workload, count in Counter(pod.workload for pod in state.pods).items():
        yield f"  goes: {workload}, {count} pod{'s' if count > 1 else ''}"
    for claim in state.claims:
        yield _fate(planned, claim, is_lost=volumes or (kubeconfig is None and isinstance(private, Twin)))
    if kubeconfig is None:
        yield f"  ends: the {'twin' if isinstance(private, Twin) else 'private cluster'} itself"


def _fate(planned: Plan, claim: ClaimState, *, is_lost: bool) -> str:
    users = [service.service_name for service in planned.services if claim.name in _kept_by(service)]
    holds = f"what {', '.join(users)} keeps there" if users else "what is on it"
    fate = "LOST" if is_lost else "stays"
    return f"  {fate}: claim {claim.name}, {claim.size}, with {holds}"


def _agreed() -> bool:
    """No terminal and nothing said is a no."""
    try:
        return typer.confirm("Go on?", err=True)
    except typer.Abort:
        return False


def _delete_claims(kubeconfig: Path, settings: Settings) -> None:
    with connected(kubeconfig, settings.context) as api:
        core: Any = client.CoreV1Api(api)
        core.delete_collection_namespaced_persistent_volume_claim(settings.namespace, label_selector=OURS)


def _kept_by(service: ServicePlan) -> set[str]:
    """The claims that it keeps something on, which whoever only looks at one does not."""
    return {disk.name for disk in service.volumes if not disk.is_read_only}
