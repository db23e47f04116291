"""One thing that a linter does not like."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class LintFinding:
    """*check* is the linter's own name for it, *on* the kind and name of an object: `Deployment/ollama`."""

    linter: str
    check: str
    on: str
    says: str
