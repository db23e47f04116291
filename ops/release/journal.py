"""Journal of a release: the images it replaces, on disk while it runs, so that an interrupted one is noticed."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """*image* replaces *previous*."""

    image: str
    previous: str | None


@dataclass(frozen=True)
class Journal:
    """File with at most one entry."""

    file: Path

    def read(self) -> JournalEntry | None:
        """Return the interrupted release, if there is one; an unreadable entry counts as none."""
        try:
            return JournalEntry(**json.loads(self.file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, entry: JournalEntry) -> None:
        """Write the entry atomically. Raises OSError."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(entry)), encoding="utf-8")
        fresh.replace(self.file)

    def clear(self) -> None:
        self.file.unlink(missing_ok=True)


def rollback_image(interrupted: JournalEntry | None, serving: str | None) -> str | None:
    """Return the image to roll back to: the serving one, unless an interrupted release left it unverified."""
    return interrupted.previous if interrupted and serving == interrupted.image else serving
