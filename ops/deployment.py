"""Deployment of a stack with Pulumi: preview, update, refresh, and the images that are built here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.plan.stack import Plan
from infra.settings.loader import load, project
from infra.settings.model import ROOT, Settings
from ops.cluster.connection import check_reachable
from ops.cluster.target import PACK, engine, ensure_cluster, existing_cluster
from tools.errors import ToolsError
from tools.images.build import Images

PROGRAM_COMMANDS: Final = frozenset({"preview", "pre", "up", "update", "watch"})
"""Commands of Pulumi that run the program, which needs every secret."""
UP: Final = ("up", "--yes", "--skip-preview", *PACK)


def preview(settings: Settings, stack: str, kubeconfig: Path | None, options: Sequence[str] = ()) -> int:
    """Run `pulumi preview` under the policy pack, and return its exit code. Raises ToolsError and UnreachableError."""
    target = ensure_cluster(stack, settings, kubeconfig)
    check_reachable(target, settings.context)
    return engine(stack, settings, target).run("preview", "--diff", *options, *PACK)


def deploy(plan: Plan, stack: str, target: Path) -> int:
    """Preview under the policy pack, build the images and update; return Pulumi's exit code.

    Raises ToolsError and UnreachableError.
    """
    check_reachable(target, plan.settings.context)
    pulumi = engine(stack, plan.settings, target)
    # During `up` the rules over the whole stack run after the changes: only the preview refuses in time.
    if code := pulumi.run("preview", *PACK):
        return code
    build_images(plan)
    return pulumi.run(*UP)


def build_images(plan: Plan) -> None:
    """Build the stack's images here, where the builder's output is visible; Pulumi then takes them from the store.

    With a build host Pulumi builds them there.
    """
    if plan.settings.build_host:
        return
    for source in sorted({service.source for service in plan.services if service.source}):
        Images().build(ROOT / source)


def refresh(stack: str, kubeconfig: Path | None) -> int:
    """Free the stack's lock and run `pulumi refresh`; return its exit code. Raises ToolsError and UnreachableError."""
    settings, target = load(stack), existing_cluster(stack, kubeconfig)
    check_reachable(target, settings.context)
    pulumi = engine(stack, settings, target, runs_program=False)
    pulumi.run("cancel", "--yes")
    return pulumi.run("refresh", "--yes", "--clear-pending-creates")


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
    return code
