"""Pods of a rollout: new pods start beside the old ones, and the node must have room for both.

Sources: `maxSurge` of https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-surge,
https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/, https://lws.sigs.k8s.io/docs/reference/leaderworkerset.v1/
and https://argo-rollouts.readthedocs.io/en/stable/features/specification/.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from infra.sizing.budget import LedgerLine
from policies.reading.pods import Path, Pods, at
from policies.reading.unknowns import UNKNOWN, UnprovenError

ENDING = frozenset({"Job", "CronJob"})


@dataclass(frozen=True, kw_only=True)
class Surge:
    """Fields of a kind that decide how many pods a rollout adds, and the default."""

    maximum: Path
    default: int | str
    unless: tuple[Path, str] | None = None  # a field, and the value that means no rolling update
    doubled_by: Path | None = None  # a field that means as many new pods as old ones


SURGES: Mapping[str, Surge] = {
    "Deployment": Surge(
        maximum=("spec", "strategy", "rollingUpdate", "maxSurge"),
        default="25%",
        unless=(("spec", "strategy", "type"), "Recreate"),
    ),
    "DaemonSet": Surge(
        maximum=("spec", "updateStrategy", "rollingUpdate", "maxSurge"),
        default=0,
        unless=(("spec", "updateStrategy", "type"), "OnDelete"),
    ),
    "LeaderWorkerSet": Surge(maximum=("spec", "rolloutStrategy", "rollingUpdateConfiguration", "maxSurge"), default=0),
    "Rollout": Surge(
        maximum=("spec", "strategy", "canary", "maxSurge"), default="25%", doubled_by=("spec", "strategy", "blueGreen")
    ),
}


def with_rollout(line: LedgerLine, pods: Pods) -> Iterator[LedgerLine]:
    """Yield the line of *pods* and a line for a rollout. Raises UnprovenError where their number is unknown."""
    yield replace(line, is_lasting=pods.owner.kind not in ENDING)
    if more := surge(pods):
        yield replace(line, name=f"{line.name} (rollout)", replicas=more, is_lasting=False)


def surge(pods: Pods) -> int:
    """Return the number of pods that a rollout adds to `replicas`. Raises UnprovenError when it is unknown."""
    rule, manifest = SURGES.get(pods.owner.kind), pods.owner.manifest
    if rule is None or (rule.unless and at(manifest, rule.unless[0]) == rule.unless[1]):
        return 0
    if rule.doubled_by and at(manifest, rule.doubled_by) is not None:
        return pods.replicas
    maximum = at(manifest, rule.maximum)
    return int_or_percent(rule.default if maximum is None else maximum, pods.groups, "its maxSurge") * pods.per_group


def int_or_percent(value: object, whole: int, name: str) -> int:
    """Return a number, or a percentage of *whole* rounded up as controllers do. Raises UnprovenError for UNKNOWN."""
    if value is UNKNOWN:
        raise UnprovenError(f"{name} is not known before the update")
    text = str(value)
    return math.ceil(whole * float(text[:-1]) / 100) if text.endswith("%") else int(float(text))
