"""Report of a release: an exit code for scripts, one document for programs, a few lines for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from ops.release.replica import Replica


class Outcome(IntEnum):
    """Outcome by its exit code; a release that was refused or not built changed nothing, and ends with 1."""

    RELEASED = 0
    ROLLED_BACK = 3
    BROKEN = 4


WORDS: Final = {
    Outcome.RELEASED: "released",
    Outcome.ROLLED_BACK: "rolledBack",
    Outcome.BROKEN: "broken",
}


@dataclass(frozen=True, kw_only=True)
class ReleaseReport:
    """*image*: the one to release; *serving*: the one that serves now; *logs*: pod -> its states and last lines."""

    outcome: Outcome
    commit: str
    image: str
    previous: str | None
    serving: str | None
    replicas: Sequence[Replica] = ()
    healthy: Sequence[str] = ()
    reason: str | None = None
    logs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "outcome": WORDS[self.outcome],
            "commit": self.commit,
            "image": self.image,
            "previous": self.previous,
            "serving": self.serving,
            "pods": [
                {"name": each.name, "image": each.image, "imageId": each.image_id, "ready": each.is_ready}
                for each in self.replicas
            ],
            "healthy": sorted(self.healthy),
            "reason": self.reason,
            "logs": {pod: list(lines) for pod, lines in self.logs.items()},
            "seconds": round(self.seconds, 1),
        }

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        for pod, log in self.logs.items():
            yield from (f"last lines of {pod}:", *(f"  {line}" for line in log))
        if self.reason:
            yield f"not released: {self.reason}"
        yield from (f"  {each.name} runs {each.image_id}" for each in self.replicas)
        yield self._summary()

    def _summary(self) -> str:
        commit = self.commit[:12]
        if self.outcome is Outcome.RELEASED:
            return (
                f"released {commit} as {self.image} in {self.seconds:.0f} s; it replaced {self.previous or 'nothing'}"
            )
        if self.outcome is Outcome.ROLLED_BACK:
            return f"rolled back from {commit} in {self.seconds:.0f} s: {self.serving} serves as before"
        return f"{commit} is broken, and the rollback to {self.previous or 'nothing'} failed: see `synapse health`"
