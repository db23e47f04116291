"""How a release ended: an exit code for scripts, one document for programs, a few lines for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from ops.release.replica import Replica


class Outcome(IntEnum):
    """Its value is the exit code; 1 is a release that was refused or not built, and changed nothing."""

    RELEASED = 0
    ROLLED_BACK = 3
    BROKEN = 4


WORDS: Final = {
    Outcome.RELEASED: "released",
    Outcome.ROLLED_BACK: "rolledBack",
    Outcome.BROKEN: "broken",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """*image*: what was to be released; *serving*: what serves now; *logs*: pod -> how it is, and its last lines."""

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
        for pod, said in self.logs.items():
            yield from (f"{pod} said last:", *(f"  {line}" for line in said))
        if self.reason:
            yield f"not released: {self.reason}"
        yield from (f"  {each.name} runs {each.image_id}" for each in self.replicas)
        yield self._last()

    def _last(self) -> str:
        commit = self.commit[:12]
        if self.outcome is Outcome.RELEASED:
            return (
                f"released {commit} as {self.image} in {self.seconds:.0f} s; it replaced {self.previous or 'nothing'}"
            )
        if self.outcome is Outcome.ROLLED_BACK:
            return f"rolled back from {commit} in {self.seconds:.0f} s: {self.serving} serves as before"
        return f"{commit} is broken, and so is the way back to {self.previous or 'nothing'}: see `make health`"
