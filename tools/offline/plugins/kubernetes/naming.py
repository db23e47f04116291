"""Names and namespaces of objects, comparisons by them, and the field manager."""

import hashlib
import secrets
from typing import Final

from tools.offline.plugins.diff import Change, Path, changes
from tools.offline.plugins.kubernetes.objects import annotation, at
from tools.offline.plugins.values import Object, bare, revealed

HEX_DIGITS: Final = 8
AUTONAMED: Final = "pulumi.com/autonamed"


def named(new: Object, old: Object, resource_name: str, seed: bytes) -> Object:
    """Return the inputs with a name: the given one, the generated one of before, or `<resource>-<8 hex digits>`."""
    metadata = new.get("metadata", {})
    if not isinstance(metadata, dict) or "name" in metadata:
        return new
    previous = at(revealed(old), "metadata", default={})
    was_autonamed = at(previous, "annotations", AUTONAMED) == "true"
    prefix = metadata.get("generateName") or f"{resource_name}-"
    name = previous["name"] if was_autonamed else f"{prefix}{_digits(resource_name, seed)}"
    annotations = metadata.get("annotations", {})
    if isinstance(annotations, dict):
        annotations = {**annotations, AUTONAMED: "true"}
    return new | {"metadata": {**metadata, "name": name, "annotations": annotations}}


def with_namespace(item: Object, namespace: str) -> Object:
    """Return the inputs with a namespace; a given one is kept."""
    metadata = item.get("metadata", {})
    if not isinstance(metadata, dict) or metadata.get("namespace"):
        return item
    return item | {"metadata": {**metadata, "namespace": namespace}}


def without_namespace(item: Object) -> Object:
    """Return the inputs without a namespace."""
    metadata = item.get("metadata", {})
    if not isinstance(metadata, dict) or "namespace" not in metadata:
        return item
    return item | {"metadata": {key: value for key, value in metadata.items() if key != "namespace"}}


def field_manager(urn: str) -> str:
    """Return the field manager: the same for every attempt, so that an interrupted one can be continued."""
    return f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:HEX_DIGITS]}"


def _digits(name: str, seed: bytes) -> str:
    if not seed:
        return secrets.token_hex(HEX_DIGITS // 2)
    return hashlib.sha256(seed + name.encode()).hexdigest()[:HEX_DIGITS]


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
