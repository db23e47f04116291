"""Kubernetes objects as plain JSON: how to look into one, and how to name one."""

from dataclasses import dataclass
from typing import Any

from tools.offline.plugins.values import Object


def at(value: object, *path: str, default: Any = None) -> Any:  # noqa: ANN401 (what is there has any type)
    """What is at `path` inside nested objects; where there is nothing, or null, it is `default`."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return default if value is None else value


@dataclass(frozen=True)
class ObjectReference:
    """One object in a cluster; a cluster-wide one has no namespace."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @property
    def id(self) -> str:
        """The id in Pulumi's state: the same as the official plugin's."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def reference(item: Object) -> ObjectReference:
    """The name of an object that has one."""
    metadata = item.get("metadata", {})
    return ObjectReference(item["apiVersion"], item["kind"], metadata.get("name", ""), metadata.get("namespace", ""))


def annotation(item: Object, name: str) -> str:
    """An annotation's text, or nothing."""
    return str(at(item, "metadata", "annotations", name, default=""))


def is_annotated(item: Object, name: str) -> bool:
    """Whether an annotation says true."""
    return annotation(item, name).lower() == "true"


def is_patch(resource_type: str, item: Object) -> bool:
    """Whether a resource only changes an object that is somebody else's; some kinds have `Patch` in their own name."""
    kind = resource_type.rpartition(":")[2]
    return kind.endswith("Patch") and item.get("kind") != kind
