"""Whoever is further out waits longer: otherwise it hangs up on work that goes on, and its caller asks again."""

from collections.abc import Iterator, Sequence

from infra.annotations import TIER
from infra.annotations import TIMEOUT_SECONDS as TIMEOUT
from infra.timeouts import TIERS, Wait, too_short
from policies.known import UNKNOWN
from policies.objects import Object
from policies.rules import Config, Fault, objects_rule


def _check(found: Sequence[Object], _: Config) -> Iterator[Fault]:
    bound = [item for item in found if TIMEOUT in item.annotations and TIER in item.annotations]
    readable = [item for item in bound if _is_readable(item)]
    yield from (Fault(object=item, message=_unreadable(item)) for item in bound if item not in readable)
    waits = [Wait(holder=item, tier=_tier(item), seconds=int(item.annotations[TIMEOUT])) for item in readable]
    for outer, inner in too_short(waits):
        yield Fault(object=outer.holder, message=_message(outer, inner))


def _message(outer: Wait[Object], inner: Wait[Object]) -> str:
    return (
        f"as {outer.tier} it waits {outer.seconds} s, and {inner.holder.name} behind it takes up to {inner.seconds} s; "
        f"raise the first to {inner.seconds} or more, or lower the second"
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


timeouts_grow_outward = objects_rule(
    "timeouts-grow-outward", "No timeout is shorter than that of what lies behind it.", _check
)
