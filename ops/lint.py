"""Findings of checkov and kube-score in a stack's rendered manifests: those with a review, and those without."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.plan.stack import Plan
from stacks.rendering import manifests, write
from tools.lint import LintFinding, Review, findings, reviews


def lint(plan: Plan) -> tuple[list[tuple[LintFinding, str]], list[LintFinding]]:
    """Render and lint the stack; return the findings as `divide` does. Raises ToolsError."""
    with tempfile.TemporaryDirectory(prefix="synapse-lint-") as folder:
        write(manifests(plan), Path(folder))
        return divide(findings(Path(folder)))


def divide(results: Sequence[LintFinding]) -> tuple[list[tuple[LintFinding, str]], list[LintFinding]]:
    """Return the reviewed findings, each with the reason to keep it, and the findings without a review."""
    pairs = [(finding, _review(finding)) for finding in results]
    reviewed = [(finding, review.because) for finding, review in pairs if review]
    return reviewed, [finding for finding, review in pairs if review is None]


def _review(finding: LintFinding) -> Review | None:
    return next((review for review in reviews() if review.covers(finding)), None)
