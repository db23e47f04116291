"""What the linters of others say of rendered manifests, beside what was reviewed of it and why it stays."""

from tools.lint.findings import Finding
from tools.lint.linters import findings
from tools.lint.reviewed import Review, reviews

__all__ = ["Finding", "Review", "findings", "reviews"]
