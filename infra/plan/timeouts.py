"""Timeouts of the tiers that a request passes: an outer tier waits at least as long as the next inner one.

Otherwise the outer tier gives up while the inner one still works, and its caller sends the same request again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.annotations import TIER, TIMEOUT_SECONDS

Holder = TypeVar("Holder")
TIERS = ("ingress", "gateway", "backend")
"""Tiers from the outside in."""


@dataclass(frozen=True, kw_only=True)
class TimeoutTier(Generic[Holder]):
    """Timeout of one tier, and the object or setting that has it."""

    holder: Holder
    tier: str
    seconds: int


def inverted(tiers: Sequence[TimeoutTier[Holder]]) -> Iterator[tuple[TimeoutTier[Holder], TimeoutTier[Holder]]]:
    """Yield each pair of an outer tier and the next inner tier with a longer timeout."""
    for outer in tiers:
        yield from ((outer, inner) for inner in _next_inner(outer, tiers) if outer.seconds < inner.seconds)


def annotations(tier: str | None, seconds: int) -> dict[str, str]:
    """Return the annotations of an object of *tier*; none for an object that no request passes."""
    return {TIER: tier, TIMEOUT_SECONDS: str(seconds)} if tier else {}


def _next_inner(outer: TimeoutTier[Holder], tiers: Sequence[TimeoutTier[Holder]]) -> list[TimeoutTier[Holder]]:
    for tier in TIERS[TIERS.index(outer.tier) + 1 :]:
        if inner := [each for each in tiers if each.tier == tier]:
            return inner
    return []
