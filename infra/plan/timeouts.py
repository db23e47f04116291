"""How long a request may take at each tier: whoever is further out waits longer.

Otherwise it hangs up on work that goes on behind it, and its caller asks for the same again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.annotations import TIER, TIMEOUT_SECONDS
from infra.catalog.spec import Task
from infra.plan.service import ServicePlan

Holder = TypeVar("Holder")
TIERS = ("ingress", "gateway", "backend")
"""From the outside in."""
CLASSES: Mapping[Task, str] = {
    "chat": "LLM",
    "embeddings": "EMBEDDINGS",
    "transcription": "STT",
    "speech": "TTS",
    "speakers": "SPEAKER",
    "audio": "AUDIO",
}
"""Task -> what the gateway calls the routes that ask for it, in `SYNAPSE_TIMEOUT_<CLASS>_SECONDS`."""


@dataclass(frozen=True, kw_only=True)
class TimeoutTier(Generic[Holder]):
    """How long one tier waits for the next, or takes itself, and who says so."""

    holder: Holder
    tier: str
    seconds: int


def inverted(waits: Sequence[TimeoutTier[Holder]]) -> Iterator[tuple[TimeoutTier[Holder], TimeoutTier[Holder]]]:
    """Each that is shorter than one of the next tier in that has any, with that one."""
    for outer in waits:
        yield from ((outer, inner) for inner in _behind(outer, waits) if outer.seconds < inner.seconds)


def annotations(tier: str | None, seconds: int) -> dict[str, str]:
    """What an object of *tier* says of itself; nothing outside the path of a request."""
    return {TIER: tier, TIMEOUT_SECONDS: str(seconds)} if tier else {}


def classes(services: Sequence[ServicePlan]) -> dict[str, str]:
    """The gateway's variables: for each class of routes the longest that a service behind it may take."""
    longest: dict[str, int] = {}
    for service in services:
        for task in service.backend.tasks:
            longest[task] = max(longest.get(task, 0), service.timeout_s)
    return {f"SYNAPSE_TIMEOUT_{name}_SECONDS": str(longest[task]) for task, name in CLASSES.items() if task in longest}


def _behind(outer: TimeoutTier[Holder], waits: Sequence[TimeoutTier[Holder]]) -> list[TimeoutTier[Holder]]:
    for tier in TIERS[TIERS.index(outer.tier) + 1 :]:
        if inner := [wait for wait in waits if wait.tier == tier]:
            return inner
    return []
