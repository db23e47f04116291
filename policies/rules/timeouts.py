"""Rule for timeouts: an outer tier waits at least as long as the tiers behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from infra.annotations import TIER
from infra.annotations import TIMEOUT_SECONDS as TIMEOUT
from infra.plan.timeouts import TIERS, TimeoutTier, inverted
from infra.plan.traefik_limits import Limit, limits
from policies.reading.objects import Object
from policies.reading.unknowns import UNKNOWN
from policies.rule import Config, ObjectViolation, stack_rule

CHARTS = ("HelmChart", "HelmChartConfig")
"""Kinds that configure the Traefik of K3s; limits that they leave out are not checked."""


@dataclass(frozen=True, kw_only=True)
class TimeoutSource:
    """Object that sets a timeout, and the start of a sentence about it."""

    object: Object
    phrase: str


def _check(stack: Sequence[Object], _: Config) -> Iterator[ObjectViolation]:
    waits = [wait for item in stack for wait in (*_annotated(item), *_of_traefik(item))]
    yield from (wait for wait in waits if isinstance(wait, ObjectViolation))
    for outer, inner in inverted([wait for wait in waits if isinstance(wait, TimeoutTier)]):
        yield ObjectViolation(object=outer.holder.object, message=_message(outer, inner))


def _annotated(item: Object) -> Iterator[TimeoutTier[TimeoutSource] | ObjectViolation]:
    """Yield the timeout in the annotations of an object."""
    if TIMEOUT not in item.annotations or TIER not in item.annotations:
        return
    tier, timeout = str(item.annotations[TIER]), item.annotations[TIMEOUT]
    if tier in TIERS and timeout is not UNKNOWN and str(timeout).isdigit():
        yield TimeoutTier(
            holder=TimeoutSource(object=item, phrase=f"as {tier} it waits"), tier=tier, seconds=int(timeout)
        )
    else:
        yield ObjectViolation(object=item, message=_unreadable(item))


def _of_traefik(item: Object) -> Iterator[TimeoutTier[TimeoutSource] | ObjectViolation]:
    """Yield the limits of Traefik in the values of its chart."""
    if item.group != "helm.cattle.io" or item.kind not in CHARTS or item.bare_name != "traefik":
        return
    for key in ("valuesContent", "values"):
        values = item.spec.get(key)
        try:
            document = yaml.safe_load(values) if isinstance(values, str) else values
        except yaml.YAMLError:
            document = UNKNOWN
        if document is UNKNOWN:
            yield ObjectViolation(object=item, message=f"its {key} cannot be read; write them as plain YAML")
        yield from (_of_limit(item, limit) for limit in limits(document))


def _of_limit(item: Object, limit: Limit) -> TimeoutTier[TimeoutSource] | ObjectViolation:
    if limit.seconds is None:
        message = f"{limit.key} {limit.value} cannot be read; write a duration such as 600s, or 0s for none"
        return ObjectViolation(object=item, message=message)
    return TimeoutTier(
        holder=TimeoutSource(object=item, phrase=f"by {limit.key} it waits"), tier="ingress", seconds=limit.seconds
    )


def _message(outer: TimeoutTier[TimeoutSource], inner: TimeoutTier[TimeoutSource]) -> str:
    return (
        f"{outer.holder.phrase} {outer.seconds} s, and {inner.holder.object.name} behind it takes up to "
        f"{inner.seconds} s; raise the first to {inner.seconds} or more, or lower the second"
    )


def _unreadable(item: Object) -> str:
    return (
        f"annotations {TIER} {item.annotations[TIER]} and {TIMEOUT} {item.annotations[TIMEOUT]} cannot be read; "
        f"set them to one of {', '.join(TIERS)} and to a whole number"
    )


timeouts_grow_outward = stack_rule(
    "timeouts-grow-outward",
    "No timeout is shorter than a timeout of a tier behind it.",
    _check,
    reason="Otherwise the outer tier drops a request that is still being served, and its client sends it again.",
)
