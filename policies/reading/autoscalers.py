"""Autoscalers: a workload may grow to as many replicas as its autoscaler allows, so that is what counts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from policies.reading.objects import Object
from policies.reading.pods import Path, Pods, at, pods
from policies.reading.unknowns import UNKNOWN, UnprovenError


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """Where a kind of autoscaler names its target and its most replicas."""

    target: Path
    most: Path
    default: int


SCALERS: Mapping[str, Scaler] = {
    "HorizontalPodAutoscaler": Scaler(target=("spec", "scaleTargetRef"), most=("spec", "maxReplicas"), default=1),
    "ScaledObject": Scaler(target=("spec", "scaleTargetRef"), most=("spec", "maxReplicaCount"), default=100),
}


def scaled_pods(found: Iterable[Object]) -> Iterator[Pods]:
    """The pods of all objects, each as many as its autoscaler may make. Raises UnprovenError for an unknown most."""
    found = list(found)
    most = dict(_most(item) for item in found if item.kind in SCALERS)
    for owner in found:
        for pod in pods(owner):
            yield replace(pod, scaled=most.get((owner.namespace, owner.name), 0))


def _most(scaler: Object) -> tuple[tuple[str, str], int]:
    where = SCALERS[scaler.kind]
    kind = at(scaler.manifest, (*where.target, "kind")) or "Deployment"
    name, most = at(scaler.manifest, (*where.target, "name")), at(scaler.manifest, where.most)
    if UNKNOWN in (kind, name, most):
        raise UnprovenError(f"{scaler.name}: its target or its most replicas are not known before the update")
    return (scaler.namespace, f"{kind}/{name}"), where.default if most is None else int(most)
