"""Whoever is further out waits longer: otherwise it hangs up on work that goes on, and its caller asks again."""

from collections.abc import Iterator, Sequence

from infra.annotations import TIER
from infra.annotations import TIMEOUT_SECONDS as TIMEOUT
from policies.known import UNKNOWN
from policies.objects import Object
from policies.rules import Config, Fault, objects_rule

TIERS = ("ingress", "gateway", "backend")
"""From the outside in."""


def _check(found: Sequence[Object], _: Config) -> Iterator[Fault]:
    bound = [item for item in found if TIMEOUT in item.annotations and TIER in item.annotations]
    readable = [item for item in bound if _is_readable(item)]
    yield from (Fault(object=item, message=_unreadable(item)) for item in bound if item not in readable)
    for outer in readable:
        for inner in _behind(outer, readable):
            if _seconds(outer) < _seconds(inner):
                yield Fault(object=outer, message=_message(outer, inner))


def _behind(outer: Object, found: Sequence[Object]) -> list[Object]:
    """What is in the next tier that has anything in it."""
    for tier in TIERS[TIERS.index(_tier(outer)) + 1 :]:
        if inner := [item for item in found if _tier(item) == tier]:
            return inner
    return []


def _message(outer: Object, inner: Object) -> str:
    return (
        f"as {_tier(outer)} it waits {_seconds(outer)} s, and {inner.name} behind it takes up to {_seconds(inner)} s; "
        f"raise the first to {_seconds(inner)} or more, or lower the second"
    )


def _unreadable(item: Object) -> str:
    return (
        f"annotations {TIER} {item.annotations[TIER]} and {TIMEOUT} {item.annotations[TIMEOUT]} cannot be read; "
        f"set them to one of {', '.join(TIERS)} and to a whole number"
    )


def _is_readable(item: Object) -> bool:
    timeout = item.annotations[TIMEOUT]
    return _tier(item) in TIERS and timeout is not UNKNOWN and str(timeout).isdigit()


def _tier(item: Object) -> str:
    return str(item.annotations[TIER])


def _seconds(item: Object) -> int:
    return int(item.annotations[TIMEOUT])


timeouts_grow_outward = objects_rule(
    "timeouts-grow-outward", "No timeout is shorter than that of what lies behind it.", _check
)
