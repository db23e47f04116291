"""Pulumi's state of an object, and its changes in the cluster since."""

import base64
from typing import Final

from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object, Secret, concealed, revealed

SECRET_FIELDS: Final = ("data", "stringData")
OWN_METADATA: Final = ("name", "namespace", "labels", "annotations")  # the server sets the rest
MANAGER: Final = "__fieldManager"
INPUTS: Final = "__inputs"
API_VERSION: Final = "__initialApiVersion"


def checkpoint(inputs: Object, live: Object, manager: str) -> Object:
    """Return the outputs for the state, in the format of the official plugin."""
    shown = live | {"metadata": _without(live["metadata"], "managedFields")}
    outputs = with_secrets(_mapping(concealed(shown, inputs)))
    return outputs | {INPUTS: inputs, MANAGER: manager, API_VERSION: live["apiVersion"]}


def previewed(inputs: Object, dry_run: Object, manager: str) -> Object:
    """Return the outputs of a preview, without the status."""
    return checkpoint(inputs, _without(dry_run, "status"), manager)


def with_secrets(item: Object) -> Object:
    """Return the object with a Secret's content marked as secret."""
    if (item.get("apiVersion"), item.get("kind")) != ("v1", "Secret"):
        return item
    content = {field: item[field] for field in SECRET_FIELDS if field in item}
    return item | {field: Secret(revealed(value)) for field, value in content.items()}


def observed(inputs: Object, before: Object, now: Object) -> Object:
    """Return the inputs that match the current object.

    `before` is the live object of the last run: a field is changed when its value in the cluster has changed, so
    neither defaults nor another notation of the same quantity are changes.
    """
    if not inputs:
        return with_secrets(_imported(now))
    plain = revealed(before)
    seen = _mapping(_seen(inputs, plain, now))
    if "stringData" in inputs:
        seen["stringData"] = _string_data(_mapping(revealed(inputs["stringData"])), plain, now)
    return with_secrets(seen)


def _seen(own: object, before: object, now: object) -> object:
    if isinstance(own, Secret):
        return Secret(_seen(own.value, before, now))
    if isinstance(own, dict) and isinstance(now, dict):
        return _seen_fields(own, _mapping(before), now)
    if isinstance(own, list) and isinstance(now, list):
        return _seen_items(own, before if isinstance(before, list) else [], now)
    return own if now in (before, own) else now


def _seen_fields(own: Object, before: Object, now: Object) -> Object:
    kept = {key: value for key, value in own.items() if key in now or key not in before}
    return {key: _seen(value, before.get(key), now[key]) if key in now else value for key, value in kept.items()}


def _seen_items(own: list[object], before: list[object], now: list[object]) -> object:
    if before == now:
        return own
    mine, then, there = _by_name(own), _by_name(before), _by_name(now)
    if mine and there:
        return [_seen(item, then.get(name), there[name]) for name, item in mine.items() if name in there]
    if len(own) == len(before) == len(now):
        return [_seen(*items) for items in zip(own, before, now, strict=True)]
    return now


def _by_name(items: list[object]) -> dict[str, object]:
    """Return the items by name, or nothing unless each has a unique name."""
    named: dict[str, object] = {str(item["name"]): item for item in items if isinstance(item, dict) and "name" in item}
    return named if len(named) == len(items) else {}


def _string_data(own: Object, before: Object, now: Object) -> Object:
    """Return `stringData` by the server's current `data`; the server does not return `stringData`."""
    then, there = at(before, "data", default={}), at(now, "data", default={})
    return {
        key: value if there[key] == then.get(key) else base64.b64decode(there[key]).decode(errors="replace")
        for key, value in own.items()
        if key in there
    }


def _imported(live: Object) -> Object:
    fields = _without(live, "status", "metadata")
    return fields | {"metadata": {key: live["metadata"][key] for key in OWN_METADATA if key in live["metadata"]}}


def _without(item: Object, *keys: str) -> Object:
    return {key: value for key, value in item.items() if key not in keys}


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}
