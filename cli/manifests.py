"""`synapse manifests` and `lint`: the stack's Kubernetes objects as YAML files, and the linters over them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.options import DEFAULT_STACK, Stack
from cli.output import say, show
from infra.plan.stack import plan
from infra.settings.loader import load
from ops import lint as linting
from stacks import rendering
from tools.lint import LintFinding

Folder = Annotated[Path, typer.Argument(help="Folder to write the files to.")]


def manifests(folder: Folder, stack: Stack = DEFAULT_STACK) -> None:
    """Write one YAML file for each object, to read or to apply by hand; Secrets keep placeholders."""
    objects = rendering.manifests(plan(load(stack)))
    for path in rendering.write(objects, folder):
        typer.echo(path)
    if names := sorted(rendering.unpublished(objects)):
        typer.echo(
            f"{', '.join(names)}: the image is built by `synapse up`, so its digest here is a placeholder of zeros; "
            "write in the one that your registry has before you apply them",
            err=True,
        )


def lint(stack: Stack = DEFAULT_STACK) -> None:
    """Render the stack and run checkov and kube-score over it; exit 1 for a finding that is not reviewed."""
    reviewed, unreviewed = linting.lint(plan(load(stack)))
    if reviewed:
        show(_table("Reviewed", reviewed))
    if unreviewed:
        show(_table("Not reviewed", [(finding, finding.says) for finding in unreviewed]))
    say(f"{len(reviewed)} findings reviewed, {len(unreviewed)} not")
    raise typer.Exit(1 if unreviewed else 0)


def _table(title: str, rows: Sequence[tuple[LintFinding, str]]) -> Table:
    table = Table("Linter", "Check", "On", "Why", title=title, title_justify="left")
    for finding, reason in rows:
        table.add_row(finding.linter, finding.check, finding.on, reason)
    return table
