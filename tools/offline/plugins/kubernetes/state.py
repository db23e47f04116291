"""What Pulumi keeps of an object, and what of it has changed in the cluster since."""

import base64
from typing import Final

from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object, Secret, concealed, revealed

SECRET_FIELDS: Final = ("data", "stringData")
OWN_METADATA: Final = ("name", "namespace", "labels", "annotations")  # the rest is the server's
MANAGER: Final = "__fieldManager"
INPUTS: Final = "__inputs"
API_VERSION: Final = "__initialApiVersion"


def checkpoint(inputs: Object, live: Object, manager: str) -> Object:
    """The outputs that go into the state, in the shape that the official plugin reads and writes."""
    shown = live | {"metadata": _without(live["metadata"], "managedFields")}
    kept = with_secrets(_mapping(concealed(shown, inputs)))
    return kept | {INPUTS: inputs, MANAGER: manager, API_VERSION: live["apiVersion"]}


def previewed(inputs: Object, dry_run: Object, manager: str) -> Object:
    """The outputs as they will be; there is no status before the object exists."""
    return checkpoint(inputs, _without(dry_run, "status"), manager)


def with_secrets(item: Object) -> Object:
    """A Secret's content is secret whether or not the program said so."""
    if (item.get("apiVersion"), item.get("kind")) != ("v1", "Secret"):
        return item
    content = {field: item[field] for field in SECRET_FIELDS if field in item}
    return item | {field: Secret(revealed(value)) for field, value in content.items()}


def observed(inputs: Object, before: Object, now: Object) -> Object:
    """The inputs that would have led to what is there now.

    `before` is the live object as it was last seen: a field counts as changed when the cluster's own value differs,
    so neither defaults nor another way to write the same quantity look like a change.
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
    """The items by their name, where every one has its own."""
    named: dict[str, object] = {str(item["name"]): item for item in items if isinstance(item, dict) and "name" in item}
    return named if len(named) == len(items) else {}


def _string_data(own: Object, before: Object, now: Object) -> Object:
    """`stringData` as the server's `data` says it is now; the server never gives it back as it was written."""
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
