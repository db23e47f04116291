"""What the linters of others say of rendered manifests, beside what was reviewed of it and why it stays."""

from tools.lint.findings import LintFinding
from tools.lint.linters import findings
from tools.lint.reviewed import Review, reviews

__all__ = ["LintFinding", "Review", "findings", "reviews"]
