"""`synapse manifests` and `lint`: the stack's Kubernetes objects as YAML files, and the linters over them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.options import DEFAULT_STACK, Stack
from cli.output import say, show
from components.image import image_name
from infra.plan.stack import plan
from infra.settings.loader import load
from ops import lint as linting
from stacks import rendering
from tools.lint import LintFinding

Folder = Annotated[Path, typer.Argument(help="Folder to write the files to.")]


def manifests(folder: Folder, stack: Stack = DEFAULT_STACK) -> None:
    """Write one YAML file for each object, to read or to apply by hand; Secrets keep placeholders."""
    planned = plan(load(stack))
    for path in rendering.write(rendering.manifests(planned), folder):
        typer.echo(path)
    for source in sorted(planned.sources):
        reference = rendering.made_up_image(image_name(source))
        typer.echo(
            f"{reference} stands for the image of {source}/, whose digest only a build knows: to apply the files, put "
            f"the reference there that `synapse image build {source}` prints, with the node's or the registry's option",
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
