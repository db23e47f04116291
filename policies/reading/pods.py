"""Pods that an object makes: the pod template of each kind, and the number of pods."""

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
    """Pods of one template, and the number of them that an object makes."""

    owner: Object
    template: dict[str, Any]
    count: Any = 1  # as in the manifest; None for the default
    group_size: Any = 1  # pods per group, of which there are `count`
    other_pods: int = 0  # pods per group that another template makes
    autoscaler_maximum: int = 0  # the maximum `count` of an autoscaler

    @property
    def name(self) -> str:
        return self.owner.name

    @property
    def urn(self) -> str:
        return self.owner.urn

    @property
    def spec(self) -> dict[str, Any]:
        spec = self.template.get("spec")
        return {"containers": UNKNOWN} if spec is UNKNOWN else mapping(spec)

    @property
    def labels(self) -> dict[str, Any]:
        return mapping(mapping(self.template.get("metadata")).get("labels"))

    @property
    def annotations(self) -> dict[str, Any]:
        return mapping(mapping(self.template.get("metadata")).get("annotations"))

    @property
    def groups(self) -> int:
        """Maximum number of groups. Raises UnprovenError when it is unknown."""
        return max(_number(self.count), self.autoscaler_maximum)

    @property
    def per_group(self) -> int:
        """Pods per group. Raises UnprovenError when it is unknown."""
        return max(0, _number(self.group_size) - self.other_pods)

    @property
    def replicas(self) -> int:
        """Maximum number of pods, without those of a rollout. Raises UnprovenError when it is unknown."""
        return self.groups * self.per_group


def pods(item: Object) -> Iterator[Pods]:
    """Yield the pods of one object: by its kind, or from each pod template inside a custom resource."""
    if item.kind == GROUPS:
        yield from _groups(item)
    elif item.group not in BUILT_IN:
        yield from _within(item, item.manifest, 1)
    elif item.kind in TEMPLATES:
        count = at(item.manifest, REPLICAS[item.kind]) if item.kind in REPLICAS else 1
        yield Pods(owner=item, template=_template(at(item.manifest, TEMPLATES[item.kind])), count=count)


def at(manifest: Any, path: Path) -> Any:  # noqa: ANN401 - properties are JSON
    """Return the value at *path*: None where it is missing, UNKNOWN where it or its parent is unknown."""
    for key in path:
        if manifest is UNKNOWN:
            return UNKNOWN
        manifest = mapping(manifest).get(key)
    return manifest


def _template(value: Any) -> dict[str, Any]:  # noqa: ANN401 - properties are JSON
    return {"spec": UNKNOWN} if value is UNKNOWN else mapping(value)


def _groups(item: Object) -> Iterator[Pods]:
    """Yield the pods of a LeaderWorkerSet: groups of a leader and workers; without a leader template only workers."""
    manifest = item.manifest
    size = at(manifest, ("spec", "leaderWorkerTemplate", "size"))
    workers = Pods(
        owner=item, template=_template(at(manifest, WORKERS)), count=at(manifest, ("spec", "replicas")), group_size=size
    )
    leader = at(manifest, LEADER)
    if leader is not None:
        yield replace(workers, template=_template(leader), group_size=1)
        workers = replace(workers, other_pods=1)
    yield workers


def _within(item: Object, value: Any, count: Any) -> Iterator[Pods]:  # noqa: ANN401 - properties are JSON
    """Yield each part with `containers` as a pod, with the nearest count around it."""
    if isinstance(value, list):
        for inner in value:
            yield from _within(item, inner, count)
    if not isinstance(value, dict):
        return
    count = next((value[key] for key in COUNTS if key in value), count)
    spec = mapping(value.get("spec"))
    if isinstance(spec.get("containers"), list) or spec.get("containers") is UNKNOWN:
        yield Pods(owner=item, template=value, count=next((spec[key] for key in COUNTS if key in spec), count))
    else:
        for inner in value.values():
            yield from _within(item, inner, count)


def _number(value: Any) -> int:  # noqa: ANN401 - properties are JSON
    if value is UNKNOWN:
        raise UnprovenError("its replicas are not known before the update")
    try:
        return 1 if value is None else int(value)
    except (TypeError, ValueError) as error:
        raise UnprovenError(f"its replicas cannot be read: {value!r}") from error
