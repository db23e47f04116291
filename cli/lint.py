"""`synapse lint`: what checkov and kube-score say of the stack's manifests, and what of it was reviewed."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from cli.options import Stack
from infra.plan.stack import plan
from infra.settings.loader import load
from stacks.rendering import manifests, write
from tools.lint import LintFinding, Review, findings, reviews


def lint(stack: Stack = "forge") -> None:
    """Render the stack and lint it; exit 1 for a finding that nobody has reviewed."""
    with tempfile.TemporaryDirectory(prefix="synapse-lint-") as folder:
        write(manifests(plan(load(stack))), Path(folder))
        found = findings(Path(folder))
    known, new = divided(found)
    console = Console(soft_wrap=True, highlight=False)
    if known:
        console.print(_table("Reviewed", known))
    if new:
        console.print(_table("Not reviewed", [(finding, finding.says) for finding in new]))
    console.print(f"{len(known)} findings reviewed, {len(new)} not")
    raise typer.Exit(1 if new else 0)


def divided(found: Sequence[LintFinding]) -> tuple[list[tuple[LintFinding, str]], list[LintFinding]]:
    """The findings that stay, with the reason, and those that nobody has looked at."""
    judged = [(finding, _review(finding)) for finding in found]
    return [(finding, review.because) for finding, review in judged if review], [
        finding for finding, review in judged if review is None
    ]


def _review(finding: LintFinding) -> Review | None:
    return next((review for review in reviews() if review.covers(finding)), None)


def _table(title: str, rows: Sequence[tuple[LintFinding, str]]) -> Table:
    table = Table("Linter", "Check", "On", "Why", title=title, title_justify="left")
    for finding, why in rows:
        table.add_row(finding.linter, finding.check, finding.on, why)
    return table
