"""Reviewed findings of the linters, each with the reason why it stays; read from reviewed.yaml."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import yaml

from tools.lint.linters import LintFinding

FILE: Final = Path(__file__).with_name("reviewed.yaml")


@dataclass(frozen=True, kw_only=True)
class Review:
    """Reason why a check may fail on some objects: *objects* are shell patterns of `Kind/name`."""

    linter: str
    check: str
    objects: Sequence[str]
    because: str

    def covers(self, finding: LintFinding) -> bool:
        is_same = (self.linter, self.check) == (finding.linter, finding.check)
        return is_same and any(fnmatchcase(finding.on, pattern) for pattern in self.objects)


@functools.cache
def reviews() -> tuple[Review, ...]:
    """Return all reviews."""
    return tuple(Review(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")))
