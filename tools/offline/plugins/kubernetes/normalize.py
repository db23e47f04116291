"""Inputs in the form in which the official provider keeps and sends them.

It converts objects of the built-in kinds to Kubernetes' Go types and back: quantities become canonical, empty values of
optional fields vanish, `stringData` of a Secret becomes `data`.
"""

import base64
from typing import Final

from tools.offline.plugins.kubernetes.quantities import canonical
from tools.offline.plugins.values import Object, Secret, has_unknown, revealed

READ_ONLY_METADATA: Final = {
    *("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields"),
    *("resourceVersion", "uid"),
}
QUANTITIES: Final = {"capacity", "default", "defaultRequest", "hard", "limits", "max", "min", "overhead", "requests"}
QUANTITY: Final = {"sizeLimit"}
EMPTY_MAPS: Final = {"annotations", "data", "labels", "matchLabels", "nodeSelector", *QUANTITIES}
KEPT_LISTS: Final = {"rules"}  # of a Role; every other list is optional
OPTIONAL_ZEROS: Final = {
    *("failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold", "timeoutSeconds"),
    *("hostIPC", "hostNetwork", "hostPID", "publishNotReadyAddresses", "readOnly", "stdin", "stdinOnce", "tty"),
    *("medium", "subPath", "value"),
}
"""Fields whose zero Kubernetes' types leave out; the zero of other fields means something else than their absence."""
OPAQUE: Final = {"annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector", "stringData"}
DASHES: Final = {
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        *("embedded_resource", "int_or_string", "list_map_keys", "list_type", "map_type", "preserve_unknown_fields"),
        "validations",
    )
}


def normalized(item: Object) -> Object:
    """Return the inputs without secret marks, as the official provider's `Check` does; see `with_secrets`."""
    plain: Object = revealed(item)
    if is_built_in(plain) and not has_unknown(plain):
        plain = _optional(_secret(plain) if is_secret(plain) else plain)
    metadata = plain.get("metadata")
    if not isinstance(metadata, dict):
        return plain
    return plain | {"metadata": {key: value for key, value in metadata.items() if key not in READ_ONLY_METADATA}}


def is_built_in(item: Object) -> bool:
    """Return whether the kind is one of Kubernetes' own: other kinds are sent as they are."""
    group, separator, _ = str(item.get("apiVersion", "")).rpartition("/")
    return not separator or "." not in group or (group.endswith(".k8s.io") and group.count(".") <= 3)


def is_secret(item: Object) -> bool:
    return (item.get("apiVersion"), item.get("kind")) == ("v1", "Secret")


def with_dashes(value: object) -> object:
    """Return the value with the keys of a CustomResourceDefinition's schema as the API server spells them."""
    if isinstance(value, Secret):
        return Secret(with_dashes(value.value))
    if isinstance(value, dict):
        return {DASHES.get(key, key): with_dashes(each) for key, each in value.items()}
    return [with_dashes(each) for each in value] if isinstance(value, list) else value


def with_underscores(value: object) -> object:
    """Return the value with the keys of a CustomResourceDefinition's schema as the SDK spells them."""
    names = {dashed: name for name, dashed in DASHES.items()}
    if isinstance(value, Secret):
        return Secret(with_underscores(value.value))
    if isinstance(value, dict):
        return {names.get(key, key): with_underscores(each) for key, each in value.items()}
    return [with_underscores(each) for each in value] if isinstance(value, list) else value


def _secret(item: Object) -> Object:
    texts = item.get("stringData")
    if not texts:
        return item
    data = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in item.items() if key != "stringData"}
    return rest | {"data": {**item.get("data", {}), **data}}


def _optional(item: Object) -> Object:
    return {key: _value(key, value) for key, value in item.items() if not _is_left_out(key, value)}


def _value(key: str, value: object) -> object:
    if key in QUANTITIES and isinstance(value, dict):
        return {name: canonical(each) for name, each in value.items()}
    if key in QUANTITY:
        return canonical(value)
    if isinstance(value, dict) and key not in OPAQUE:
        return _optional(value)
    if isinstance(value, list):
        return [_optional(each) if isinstance(each, dict) else each for each in value]
    return value


def _is_left_out(key: str, value: object) -> bool:
    if value == []:
        return key not in KEPT_LISTS
    if value == {}:
        return key in EMPTY_MAPS
    return key in OPTIONAL_ZEROS and value in (0, "", False)
