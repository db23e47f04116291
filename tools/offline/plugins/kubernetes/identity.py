"""Which object an object's inputs stand for, and whether two of them stand for the same."""

from typing import Final

from tools.offline.plugins.diff import Change, Path, changes
from tools.offline.plugins.kubernetes.objects import annotation, at
from tools.offline.plugins.values import Object, bare, revealed

AUTONAMED: Final = "pulumi.com/autonamed"


def object_changes(old: Object, new: Object) -> dict[Path, Change]:
    """The changed fields of an object; no namespace and the default one are the same place."""
    return dict(changes(_in_namespace(old), _in_namespace(new)))


def is_same_place(old: Object, new: Object) -> bool:
    """Whether a replacement must wait until the old object has given up its name."""
    before, after = (_in_namespace(revealed(item)) for item in (old, new))
    is_named = annotation(after, AUTONAMED) != "true"
    return is_named and all(at(before, "metadata", key) == at(after, "metadata", key) for key in ("name", "namespace"))


def _in_namespace(item: Object) -> Object:
    metadata = bare(item.get("metadata", {}))
    if not isinstance(metadata, dict):
        return item
    return item | {"metadata": {**metadata, "namespace": metadata.get("namespace") or "default"}}
