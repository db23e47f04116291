"""Findings of third-party linters in rendered manifests, and the reviewed ones with their reason."""

from tools.lint.linters import LintFinding, findings
from tools.lint.reviewed import Review, reviews

__all__ = ["LintFinding", "Review", "findings", "reviews"]
