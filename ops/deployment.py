"""Deployment of a stack with Pulumi: preview, update, refresh, and the images that are built here."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.plan.stack import Plan
from infra.settings.loader import load, project
from infra.settings.model import ROOT, Settings
from ops.cluster.connection import check_reachable
from ops.cluster.pods import connect_pods
from ops.cluster.target import PACK, cluster_for, engine, ensure_cluster, existing_cluster
from ops.deploy_watch import SteadyFaults
from ops.fault_watch import FaultWatch
from ops.ownership import Ownership
from ops.startup_progress import shown_progress
from tools.errors import ToolsError
from tools.images import publish
from tools.images.build import Images
from tools.locks import exclusive
from tools.offline.engine import PulumiEngine
from tools.progress import say

PROGRAM_COMMANDS: Final = frozenset({"preview", "pre", "up", "update", "watch"})
"""Commands of Pulumi that run the program, which needs every secret."""
# Line by line at a terminal too: the lines about starting pods come between those of Pulumi.
UP: Final = ("up", "--yes", "--skip-preview", "--non-interactive", "--suppress-progress", *PACK)


def preview(settings: Settings, stack: str, kubeconfig: Path | None, options: Sequence[str] = ()) -> int:
    """Run `pulumi preview` under the policy pack, and return its exit code. Raises ToolsError and UnreachableError."""
    target = ensure_cluster(stack, settings, kubeconfig)
    check_reachable(target, settings.context)
    pulumi = engine(stack, settings, target)
    return explained(pulumi, pulumi.run("preview", "--diff", *options, *PACK))


def deploy(plan: Plan, stack: str, target: Path, *, adopt: bool = False) -> int:
    """Preview under the policy pack, build the images and update; return Pulumi's exit code.

    Raises UnreachableError, and ToolsError, also where another engine has deployed the stack and this one is not to
    *adopt* it.
    """
    check_reachable(target, plan.settings.context)
    pulumi = engine(stack, plan.settings, target)
    owner = ownership(pulumi, plan.settings, target)
    with alone(pulumi):
        if owner:
            owner.check(adopt=adopt)
        # During `up` the rules over the whole stack run after the changes: only the preview refuses in time.
        if code := pulumi.run("preview", *PACK):
            return explained(pulumi, code)
        build_images(plan, target)
        code = explained(pulumi, _update(pulumi, plan, target))
        if owner and not code:
            owner.claim()
        return code


def _update(pulumi: PulumiEngine, plan: Plan, target: Path) -> int:
    """Run `pulumi up`, and print how far downloads and starting pods are; interrupt it once a pod can never start.

    Raises ToolsError, which names the pod.
    """
    settings = plan.settings
    is_offline = settings.node.embedded and target == cluster_for(pulumi.stack, settings).kubeconfig
    faults = SteadyFaults(is_offline=is_offline)
    with (
        connect_pods(target, settings.namespace, settings.context) as pods,
        FaultWatch(lambda: faults.observe(pods.list_stack_pods(), time.monotonic())) as watch,
        shown_progress(target, plan),
    ):
        code = pulumi.run(*UP, stop=watch.failed)
    if watch.fault:
        raise ToolsError(
            f"{watch.fault}; no waiting ends this, so the deployment was interrupted: correct "
            f"Pulumi.{pulumi.stack}.yaml, or publish the image, then run `synapse up --stack {pulumi.stack}` again"
        )
    return code


def ownership(pulumi: PulumiEngine, settings: Settings, target: Path) -> Ownership | None:
    """Return the owner of the stack in *target*; None for a private cluster, whose engine is a part of it."""
    if target == cluster_for(pulumi.stack, settings).kubeconfig:
        return None
    return Ownership(pulumi, target, settings.namespace, settings.context)


@contextmanager
def alone(pulumi: PulumiEngine) -> Iterator[None]:
    """Wait for the end of another change of the same stack, and keep others out."""
    with exclusive(
        pulumi.state / "changing",
        lambda: say(f"another command changes the stack {pulumi.stack}; waiting for its end ..."),
    ):
        yield


def explained(pulumi: PulumiEngine, code: int) -> int:
    """Add to Pulumi's output what a person does next with `synapse`; return the exit code, positive for a signal."""
    stack = pulumi.stack
    if code < 0:
        name = signal.Signals(-code).name
        say(
            f"Pulumi was ended by {name}; by the kernel, if memory is short. Run `synapse refresh --stack {stack}` next"
        )
    if code and (holder := pulumi.backend.lock_holder()):
        say(
            f"Pulumi still works on the stack {stack} as process {holder}, perhaps of a command that was killed: wait "
            f"for its end; if that does not come, `kill {holder}` and `synapse refresh --stack {stack}`"
        )
    if pending := pulumi.backend.pending():
        say(
            f"an interrupted run left unfinished: {', '.join(pending)}. Run `synapse refresh --stack {stack}` "
            f"(`make refresh STACK={stack}`), which reads what became of it; no other advice of Pulumi is needed"
        )
    return code if code >= 0 else 1


def build_images(plan: Plan, target: Path) -> None:
    """Build the stack's images. Raises ImageError."""
    for source in sorted(plan.sources):
        build_image(source, plan.settings, target)


def build_image(source: str, settings: Settings, target: Path) -> None:
    """Build an image here, where the builder's output is visible; Pulumi then takes it from the store.

    It is imported where the node is this machine, also if the node has lost it. With a build host Pulumi builds it
    there. Raises ImageError where the node is another machine.
    """
    if settings.build_host:
        return
    if settings.registry or settings.node.embedded:
        Images().build(ROOT / source)
    else:
        publish.to_node(Images(), ROOT / source, settings.node.name, settings.context, target)


def refresh(stack: str, kubeconfig: Path | None) -> int:
    """Free the stack's lock and run `pulumi refresh`; return its exit code. Raises ToolsError and UnreachableError."""
    settings, target = load(stack), existing_cluster(stack, kubeconfig)
    check_reachable(target, settings.context)
    pulumi = engine(stack, settings, target, runs_program=False)
    with alone(pulumi):
        pulumi.run("cancel", "--yes")
        return explained(pulumi, pulumi.run("refresh", "--yes", "--clear-pending-creates"))


def run_pulumi(stack: str, kubeconfig: Path | None, arguments: Sequence[str]) -> int:
    """Run a command of Pulumi, and keep the secrets that it sets; return its exit code.

    Raises ToolsError where it has set anything else: the stack file is what is deployed.
    """
    runs_program = not PROGRAM_COMMANDS.isdisjoint(arguments[:1])
    settings, target = load(stack), existing_cluster(stack, kubeconfig)
    check_reachable(target, settings.context)
    pulumi = engine(stack, settings, target, runs_program=runs_program)
    before = pulumi.config()
    code = pulumi.run(*arguments)
    if lost := pulumi.keep_changes(before):
        raise ToolsError(
            f"{', '.join(lost)}: changed in a copy of the stack file, which the next command writes anew; "
            f"accepted here: secrets (`config set --secret`); change {project() / f'Pulumi.{stack}.yaml'} instead"
        )
    return explained(pulumi, code)
