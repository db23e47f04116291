"""The findings that were looked at and stay, each with its reason; reviewed.yaml holds them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import yaml

from tools.lint.findings import LintFinding

FILE: Final = Path(__file__).with_name("reviewed.yaml")


@dataclass(frozen=True, kw_only=True)
class Review:
    """Why a check may fail on some objects: *objects* are patterns of `Kind/name` as a shell has them."""

    linter: str
    check: str
    objects: Sequence[str]
    because: str

    def covers(self, finding: LintFinding) -> bool:
        is_same = (self.linter, self.check) == (finding.linter, finding.check)
        return is_same and any(fnmatchcase(finding.on, pattern) for pattern in self.objects)


@functools.cache
def reviews() -> tuple[Review, ...]:
    """Everything that was reviewed."""
    return tuple(Review(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")))
