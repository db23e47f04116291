"""Whoever is further out waits longer: otherwise it hangs up on work that goes on, and its caller asks again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from infra.annotations import TIER
from infra.annotations import TIMEOUT_SECONDS as TIMEOUT
from infra.plan.timeouts import TIERS, TimeoutTier, inverted
from infra.plan.traefik_limits import Limit, limits
from policies.reading.objects import Object
from policies.reading.unknowns import UNKNOWN
from policies.rule import Config, Fault, objects_rule

CHARTS = ("HelmChart", "HelmChartConfig")
"""Kinds by which K3s is told how to install Traefik; what they leave out is not judged."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """Who says how long it waits, and in which words of its own."""

    object: Object
    words: str


def _check(found: Sequence[Object], _: Config) -> Iterator[Fault]:
    waits = [wait for item in found for wait in (*_annotated(item), *_of_traefik(item))]
    yield from (wait for wait in waits if isinstance(wait, Fault))
    for outer, inner in inverted([wait for wait in waits if isinstance(wait, TimeoutTier)]):
        yield Fault(object=outer.holder.object, message=_message(outer, inner))


def _annotated(item: Object) -> Iterator[TimeoutTier[Said] | Fault]:
    """What an object says of itself in its annotations."""
    if TIMEOUT not in item.annotations or TIER not in item.annotations:
        return
    tier, timeout = str(item.annotations[TIER]), item.annotations[TIMEOUT]
    if tier in TIERS and timeout is not UNKNOWN and str(timeout).isdigit():
        yield TimeoutTier(holder=Said(object=item, words=f"as {tier} it waits"), tier=tier, seconds=int(timeout))
    else:
        yield Fault(object=item, message=_unreadable(item))


def _of_traefik(item: Object) -> Iterator[TimeoutTier[Said] | Fault]:
    """What an object says of Traefik's own limits, whichever way it gives the values of the chart."""
    if item.group != "helm.cattle.io" or item.kind not in CHARTS or item.bare_name != "traefik":
        return
    for key in ("valuesContent", "values"):
        values = item.spec.get(key)
        try:
            written = yaml.safe_load(values) if isinstance(values, str) else values
        except yaml.YAMLError:
            written = UNKNOWN
        if written is UNKNOWN:
            yield Fault(object=item, message=f"its {key} cannot be read; write them as plain YAML")
        yield from (_of_limit(item, limit) for limit in limits(written))


def _of_limit(item: Object, limit: Limit) -> TimeoutTier[Said] | Fault:
    if limit.seconds is None:
        wrong = f"{limit.key} {limit.value} cannot be read; write a duration such as 600s, or 0s for none"
        return Fault(object=item, message=wrong)
    return TimeoutTier(
        holder=Said(object=item, words=f"by {limit.key} it waits"), tier="ingress", seconds=limit.seconds
    )


def _message(outer: TimeoutTier[Said], inner: TimeoutTier[Said]) -> str:
    return (
        f"{outer.holder.words} {outer.seconds} s, and {inner.holder.object.name} behind it takes up to "
        f"{inner.seconds} s; raise the first to {inner.seconds} or more, or lower the second"
    )


def _unreadable(item: Object) -> str:
    return (
        f"annotations {TIER} {item.annotations[TIER]} and {TIMEOUT} {item.annotations[TIMEOUT]} cannot be read; "
        f"set them to one of {', '.join(TIERS)} and to a whole number"
    )


timeouts_grow_outward = objects_rule(
    "timeouts-grow-outward", "No timeout is shorter than that of what lies behind it.", _check
)
