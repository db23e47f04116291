"""Autoscalers: a workload counts with the maximum number of replicas that its autoscaler allows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from policies.reading.objects import Object
from policies.reading.pods import Path, Pods, at, pods
from policies.reading.unknowns import UNKNOWN, UnprovenError


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """Fields of an autoscaler kind: the path of its target and of its maximum replicas."""

    target: Path
    maximum: Path
    default: int


SCALERS: Mapping[str, Scaler] = {
    "HorizontalPodAutoscaler": Scaler(target=("spec", "scaleTargetRef"), maximum=("spec", "maxReplicas"), default=1),
    "ScaledObject": Scaler(target=("spec", "scaleTargetRef"), maximum=("spec", "maxReplicaCount"), default=100),
}


def scaled_pods(stack: Iterable[Object]) -> Iterator[Pods]:
    """Yield the pods of all objects, with the maximum replicas of their autoscalers. Raises UnprovenError."""
    stack = list(stack)
    maxima = dict(_maximum(item) for item in stack if item.kind in SCALERS)
    for owner in stack:
        for pod in pods(owner):
            yield replace(pod, autoscaler_maximum=maxima.get((owner.namespace, owner.name), 0))


def _maximum(item: Object) -> tuple[tuple[str, str], int]:
    scaler = SCALERS[item.kind]
    kind = at(item.manifest, (*scaler.target, "kind")) or "Deployment"
    name, maximum = at(item.manifest, (*scaler.target, "name")), at(item.manifest, scaler.maximum)
    if UNKNOWN in (kind, name, maximum):
        raise UnprovenError(f"{item.name}: its target or its maximum replicas are not known before the update")
    return (item.namespace, f"{kind}/{name}"), scaler.default if maximum is None else int(maximum)
