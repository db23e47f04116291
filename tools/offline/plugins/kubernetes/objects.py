"""Kubernetes objects as plain JSON: read fields and build references."""

from dataclasses import dataclass
from typing import Any

from tools.offline.plugins.values import Object


def at(value: object, *path: str, default: Any = None) -> Any:  # noqa: ANN401 (a value may have any type)
    """Return the value at `path` in nested objects, or `default` where it is missing or null."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return default if value is None else value


@dataclass(frozen=True)
class ObjectReference:
    """Reference to an object in a cluster; a cluster-wide one has no namespace."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @property
    def id(self) -> str:
        """Id in Pulumi's state, the same as the official plugin's."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def reference(item: Object) -> ObjectReference:
    """Return the reference of an object that has a name."""
    metadata = item.get("metadata", {})
    return ObjectReference(item["apiVersion"], item["kind"], metadata.get("name", ""), metadata.get("namespace", ""))


def annotation(item: Object, name: str) -> str:
    """Return the text of an annotation, or an empty one."""
    return str(at(item, "metadata", "annotations", name, default=""))


def is_annotated(item: Object, name: str) -> bool:
    """Return whether an annotation is `true`."""
    return annotation(item, name) == "true"


def is_patch(resource_type: str, item: Object) -> bool:
    """Return whether a resource patches an object of another owner; some kinds have `Patch` in their own name."""
    return resource_type.rpartition(":")[2] == f"{item.get('kind')}Patch"
