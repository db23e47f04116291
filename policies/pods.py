"""Every pod that a resource makes, whatever kind it is wrapped in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.known import UNKNOWN, UnprovenError, mapping, plain

TEMPLATES: Mapping[str, tuple[str, ...]] = {
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
REPLICAS: Mapping[str, tuple[str, ...]] = {
    "ReplicationController": ("spec", "replicas"),
    "ReplicaSet": ("spec", "replicas"),
    "Deployment": ("spec", "replicas"),
    "StatefulSet": ("spec", "replicas"),
    "Job": ("spec", "parallelism"),
    "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
}


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Pods of one shape, and how many of them a resource makes."""

    name: str  # Kind/name, for messages
    urn: str
    spec: dict[str, Any]
    annotations: dict[str, Any]
    manifest: dict[str, Any]
    replicas_path: tuple[str, ...] | None

    @property
    def replicas(self) -> int:
        """One where the kind has no such field, or it is left out. Raises UnprovenError when it is unknown."""
        value = 1 if self.replicas_path is None else at(self.manifest, self.replicas_path)
        if value is UNKNOWN:
            raise UnprovenError("its replicas are not known before the update")
        return 1 if value is None else int(value)


def pods(resource_type: str, props: Mapping[str, Any], urn: str) -> Iterator[Pods]:
    """The pods of one Kubernetes resource: of itself, or of each item if it is a list."""
    if not resource_type.startswith("kubernetes:"):
        return
    kind = resource_type.rsplit(":", 1)[-1].removesuffix("Patch")
    manifest = mapping(plain(props))
    if kind.endswith("List"):
        found = manifest.get("items")
        for item in found if isinstance(found, list) else []:
            yield from _of(str(mapping(item).get("kind", kind.removesuffix("List"))), mapping(item), urn)
    else:
        yield from _of(kind, manifest, urn)


def at(manifest: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - properties are JSON
    """The value at *path*, None where there is none, UNKNOWN where it or what holds it is unknown."""
    for part in path:
        if manifest is UNKNOWN:
            return UNKNOWN
        manifest = mapping(manifest).get(part)
    return manifest


def _of(kind: str, manifest: dict[str, Any], urn: str) -> Iterator[Pods]:
    if kind not in TEMPLATES:
        return
    template = mapping(at(manifest, TEMPLATES[kind]))
    name = mapping(manifest.get("metadata")).get("name")
    yield Pods(
        name=f"{kind}/{name if isinstance(name, str) else urn.rsplit('::', 1)[-1]}",
        urn=urn,
        spec=mapping(template.get("spec")),
        annotations=mapping(mapping(template.get("metadata")).get("annotations")),
        manifest=manifest,
        replicas_path=REPLICAS.get(kind),
    )
