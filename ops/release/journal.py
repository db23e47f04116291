"""What a release is about to replace, on disk while it is under way: one that was cut off is known by it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Entry:
    """*image* takes the place of *previous*."""

    image: str
    previous: str | None


@dataclass(frozen=True)
class Journal:
    """At most one entry, in a file."""

    file: Path

    def read(self) -> Entry | None:
        """The release that was cut off, if one was; an entry that cannot be read is none."""
        try:
            return Entry(**json.loads(self.file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, entry: Entry) -> None:
        """Whole or not at all. Raises OSError."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(entry)), encoding="utf-8")
        fresh.replace(self.file)

    def clear(self) -> None:
        self.file.unlink(missing_ok=True)


def former(cut_off: Entry | None, serves: str | None) -> str | None:
    """The image to go back to: what serves, unless that is what a release was cut off with before it was checked."""
    return cut_off.previous if cut_off and serves == cut_off.image else serves
