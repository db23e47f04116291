"""Names and namespaces of objects, and comparisons by them."""

import hashlib
import secrets
from typing import Final

from tools.offline.plugins.kubernetes.objects import annotation, at
from tools.offline.plugins.values import Object, revealed

HEX_DIGITS: Final = 8
AUTONAMED: Final = "pulumi.com/autonamed"


def named(new: Object, old: Object, resource_name: str, seed: bytes) -> Object:
    """Return the inputs with a name: the given one, the generated one of before, or `<resource>-<8 hex digits>`."""
    metadata = new.get("metadata", {})
    if not isinstance(metadata, dict) or metadata.get("name"):
        return new
    previous = at(revealed(old), "metadata", default={})
    was_autonamed = at(previous, "annotations", AUTONAMED) == "true"
    name = previous["name"] if was_autonamed else f"{resource_name}-{_digits(resource_name, seed)}"
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


def _digits(name: str, seed: bytes) -> str:
    if not seed:
        return secrets.token_hex(HEX_DIGITS // 2)
    return hashlib.sha256(seed + name.encode()).hexdigest()[:HEX_DIGITS]


def has_same_name(old_live: Object, new: Object) -> bool:
    """Return whether both have the same name, so that the old object must be deleted before the new one is made."""
    is_named = bool(at(new, "metadata", "name")) and annotation(new, AUTONAMED) != "true"
    same = (at(old_live, "metadata", key) == at(new, "metadata", key) for key in ("name", "namespace"))
    return is_named and all(same)
