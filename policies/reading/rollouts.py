"""A rollout's own pods: new ones start beside the old ones, so that is how many the node must hold at once.

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
    """Where a kind says how many pods more there may be, and what holds where it does not."""

    most: Path
    default: int | str
    unless: tuple[Path, str] | None = None  # a field, and the value with which there is no rolling update
    doubled_by: Path | None = None  # a field with which the new pods are as many as the old ones


SURGES: Mapping[str, Surge] = {
    "Deployment": Surge(
        most=("spec", "strategy", "rollingUpdate", "maxSurge"),
        default="25%",
        unless=(("spec", "strategy", "type"), "Recreate"),
    ),
    "DaemonSet": Surge(
        most=("spec", "updateStrategy", "rollingUpdate", "maxSurge"),
        default=0,
        unless=(("spec", "updateStrategy", "type"), "OnDelete"),
    ),
    "LeaderWorkerSet": Surge(most=("spec", "rolloutStrategy", "rollingUpdateConfiguration", "maxSurge"), default=0),
    "Rollout": Surge(
        most=("spec", "strategy", "canary", "maxSurge"), default="25%", doubled_by=("spec", "strategy", "blueGreen")
    ),
}


def at_once(line: LedgerLine, pods: Pods) -> Iterator[LedgerLine]:
    """The line of *pods*, and that of a rollout's beside them. Raises UnprovenError where their number is unknown."""
    yield replace(line, is_lasting=pods.owner.kind not in ENDING)
    if more := surge(pods):
        yield replace(line, name=f"{line.name} (rollout)", replicas=more, is_lasting=False)


def surge(pods: Pods) -> int:
    """How many pods a rollout may have beside those of `replicas`. Raises UnprovenError when that is unknown."""
    rule, manifest = SURGES.get(pods.owner.kind), pods.owner.manifest
    if rule is None or (rule.unless and at(manifest, rule.unless[0]) == rule.unless[1]):
        return 0
    if rule.doubled_by and at(manifest, rule.doubled_by) is not None:
        return pods.replicas
    most = at(manifest, rule.most)
    return part(rule.default if most is None else most, pods.groups, "its maxSurge") * pods.per_group


def part(value: object, whole: int, what: str) -> int:
    """A number, or so many percent of *whole*, rounded up as controllers do. Raises UnprovenError for UNKNOWN."""
    if value is UNKNOWN:
        raise UnprovenError(f"{what} is not known before the update")
    text = str(value)
    return math.ceil(whole * float(text[:-1]) / 100) if text.endswith("%") else int(float(text))
