"""Pulumi's state of an object, in the format of the official provider."""

from typing import Any, Final

from tools.offline.plugins.kubernetes.managers import MANAGER_KEY
from tools.offline.plugins.kubernetes.normalize import is_secret, with_underscores
from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object, Secret, concealed, revealed

SECRET_FIELDS: Final = ("data", "stringData")
SERVER_METADATA: Final = {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"}
SERVER_ANNOTATIONS: Final = {"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"}
INPUTS: Final = "__inputs"
API_VERSION: Final = "__initialApiVersion"


def checkpoint(inputs: Object, live: Object, manager: str, api_version: str) -> Object:
    """Return the outputs for the state; a field is secret where an input is."""
    outputs = with_secrets(_mapping(concealed(with_underscores(live), inputs)))
    return outputs | {INPUTS: inputs, MANAGER_KEY: manager, API_VERSION: api_version}


def stored(olds: Object) -> tuple[Object, Object]:
    """Return the inputs and the object of a state, both without secret marks."""
    plain = revealed(olds)
    return plain.get(INPUTS, {}), {key: value for key, value in plain.items() if key != INPUTS}


def with_secrets(item: Object) -> Object:
    """Return the object with a Secret's content marked as secret."""
    if not is_secret(item):
        return item
    content = {field: item[field] for field in SECRET_FIELDS if field in item}
    return item | {field: Secret(revealed(value)) for field, value in content.items()}


def pruned(live: Any, shape: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Return the live value with the fields and the list items of *shape* only."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: pruned(value, shape[key]) for key, value in live.items() if key in shape}
    if not isinstance(live, list) or not isinstance(shape, list):
        return live
    if not live or not shape:
        return []
    if type(live[0]) is not type(shape[0]):
        return live
    return [pruned(value, like) for value, like in zip(live, shape, strict=False)]


def imported(live: Object) -> Object:
    """Return the inputs of an object that Pulumi did not make: all but what the server sets."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in SERVER_METADATA}
    annotations = at(metadata, "annotations", default={})
    if annotations:
        metadata["annotations"] = {key: annotations[key] for key in annotations if key not in SERVER_ANNOTATIONS}
    return {key: value for key, value in live.items() if key not in ("status", "metadata")} | {"metadata": metadata}


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}
