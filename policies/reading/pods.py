"""Every pod that an object makes, whatever kind it is wrapped in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.reading.objects import BUILT_IN, Object
from policies.reading.unknowns import UNKNOWN, UnprovenError, mapping

Path = tuple[str, ...]
TEMPLATES: Mapping[str, Path] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "ReplicationController": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
REPLICAS: Mapping[str, Path] = {
    "ReplicationController": ("spec", "replicas"),
    "ReplicaSet": ("spec", "replicas"),
    "Deployment": ("spec", "replicas"),
    "StatefulSet": ("spec", "replicas"),
    "Job": ("spec", "parallelism"),
    "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
}
COUNTS = ("replicas", "parallelism")
GROUPS = "LeaderWorkerSet"
LEADER, WORKERS = ("spec", "leaderWorkerTemplate", "leaderTemplate"), ("spec", "leaderWorkerTemplate", "workerTemplate")


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Pods of one shape, and how many of them an object makes."""

    owner: Object
    template: dict[str, Any]
    count: Any = 1  # as written; None for the usual one
    each: Any = 1  # pods for each of `count`
    less: int = 0  # of `each`, those that another template makes
    scaled: int = 0  # the most that an autoscaler makes of `count`

    @property
    def name(self) -> str:
        return self.owner.name

    @property
    def urn(self) -> str:
        return self.owner.urn

    @property
    def spec(self) -> dict[str, Any]:
        found = self.template.get("spec")
        return {"containers": UNKNOWN} if found is UNKNOWN else mapping(found)

    @property
    def labels(self) -> dict[str, Any]:
        return mapping(mapping(self.template.get("metadata")).get("labels"))

    @property
    def annotations(self) -> dict[str, Any]:
        return mapping(mapping(self.template.get("metadata")).get("annotations"))

    @property
    def groups(self) -> int:
        """How many of `count` there may be at most. Raises UnprovenError when that is unknown."""
        return max(_number(self.count), self.scaled)

    @property
    def per_group(self) -> int:
        """Pods for each of `count`. Raises UnprovenError when that is unknown."""
        return max(0, _number(self.each) - self.less)

    @property
    def replicas(self) -> int:
        """How many there may be at most, but for a rollout's. Raises UnprovenError when that is unknown."""
        return self.groups * self.per_group


def pods(found: Object) -> Iterator[Pods]:
    """The pods of one object: by its kind, or wherever a custom resource has a pod template in it."""
    if found.kind == GROUPS:
        yield from _groups(found)
    elif found.group not in BUILT_IN:
        yield from _within(found, found.manifest, 1)
    elif found.kind in TEMPLATES:
        count = at(found.manifest, REPLICAS[found.kind]) if found.kind in REPLICAS else 1
        yield Pods(owner=found, template=_template(at(found.manifest, TEMPLATES[found.kind])), count=count)


def at(manifest: Any, path: Path) -> Any:  # noqa: ANN401 - properties are JSON
    """The value at *path*, None where there is none, UNKNOWN where it or what holds it is unknown."""
    for part in path:
        if manifest is UNKNOWN:
            return UNKNOWN
        manifest = mapping(manifest).get(part)
    return manifest


def _template(value: Any) -> dict[str, Any]:  # noqa: ANN401 - properties are JSON
    return {"spec": UNKNOWN} if value is UNKNOWN else mapping(value)


def _groups(found: Object) -> Iterator[Pods]:
    """A LeaderWorkerSet: groups of one leader and its workers, all workers where the leader has no template."""
    manifest = found.manifest
    size = at(manifest, ("spec", "leaderWorkerTemplate", "size"))
    workers = Pods(
        owner=found, template=_template(at(manifest, WORKERS)), count=at(manifest, ("spec", "replicas")), each=size
    )
    leader = at(manifest, LEADER)
    if leader is not None:
        yield replace(workers, template=_template(leader), each=1)
        workers = replace(workers, less=1)
    yield workers


def _within(found: Object, value: Any, count: Any) -> Iterator[Pods]:  # noqa: ANN401 - properties are JSON
    """Each part that has `containers` is a pod; it runs as often as the nearest count around it says."""
    if isinstance(value, list):
        for item in value:
            yield from _within(found, item, count)
    if not isinstance(value, dict):
        return
    count = next((value[key] for key in COUNTS if key in value), count)
    spec = mapping(value.get("spec"))
    if isinstance(spec.get("containers"), list) or spec.get("containers") is UNKNOWN:
        yield Pods(owner=found, template=value, count=next((spec[key] for key in COUNTS if key in spec), count))
    else:
        for inner in value.values():
            yield from _within(found, inner, count)


def _number(value: Any) -> int:  # noqa: ANN401 - properties are JSON
    if value is UNKNOWN:
        raise UnprovenError("its replicas are not known before the update")
    try:
        return 1 if value is None else int(value)
    except (TypeError, ValueError) as error:
        raise UnprovenError(f"its replicas cannot be read: {value!r}") from error
