"""Finding of a linter."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class LintFinding:
    """A finding: *check* is the linter's id, *on* the kind and name of an object, as `Deployment/ollama`."""

    linter: str
    check: str
    on: str
    says: str
