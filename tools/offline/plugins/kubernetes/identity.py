"""Identity of an object by its inputs: compare two versions and their names."""

from typing import Final

from tools.offline.plugins.diff import Change, Path, changes
from tools.offline.plugins.kubernetes.objects import annotation, at
from tools.offline.plugins.values import Object, bare, revealed

AUTONAMED: Final = "pulumi.com/autonamed"


def object_changes(old: Object, new: Object) -> dict[Path, Change]:
    """Return the changed fields of an object; a missing namespace equals the default one."""
    return dict(changes(_in_namespace(old), _in_namespace(new)))


def has_same_name(old: Object, new: Object) -> bool:
    """Return whether both have the same name, so that the old object must be deleted before the new one is made."""
    before, after = (_in_namespace(revealed(item)) for item in (old, new))
    is_named = annotation(after, AUTONAMED) != "true"
    return is_named and all(at(before, "metadata", key) == at(after, "metadata", key) for key in ("name", "namespace"))


def _in_namespace(item: Object) -> Object:
    metadata = bare(item.get("metadata", {}))
    if not isinstance(metadata, dict):
        return item
    return item | {"metadata": {**metadata, "namespace": metadata.get("namespace") or "default"}}
