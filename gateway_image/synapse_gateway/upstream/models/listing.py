"""What a router says about its models: one entry each, the parts of a split model as one."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

Entry = dict[str, Any]
SHARD = re.compile(r"(?P<base>.+)-(?P<number>\d+)-of-(?P<count>\d+)")
LOADED = frozenset({"loaded", "sleeping"})
"""A sleeping model wakes by itself when it is asked."""
RANK = ("loaded", "sleeping", "loading", "downloading", "unloading")
"""The state of a split model is the first of these that one of its parts has."""


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """The *entries* with the parts of each split model as one, under the id of its first part."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_group(entry["id"]), []).append(entry)
    return [_one(parts) for parts in groups.values()]


def state(entry: Entry) -> str:
    return str(_status(entry).get("value", "unloaded"))


def is_loaded(entry: Entry) -> bool:
    return state(entry) in LOADED


def is_failed(entry: Entry) -> bool:
    """Its last start came to nothing."""
    return bool(_status(entry).get("failed"))


def with_status(entry: Entry, **more: Any) -> Entry:  # noqa: ANN401 - whatever JSON can say
    return {**entry, "status": {**_status(entry), **more}}


def find(entries: Iterable[Entry], model: str) -> Entry | None:
    return next((entry for entry in entries if entry["id"] == model), None)


def context_tokens(entries: Iterable[Entry]) -> int | None:
    """The context size that the router runs with: the first one in the arguments of any model."""
    for entry in entries:
        arguments = _status(entry).get("args")
        if isinstance(arguments, list) and (found := _option(arguments)) is not None:
            return found
    return None


def _option(arguments: list[Any]) -> int | None:
    for name, value in pairwise(arguments):
        if name == "--ctx-size" and str(value).isdigit():
            return int(value)
    return None


def _status(entry: Entry) -> dict[str, Any]:
    found = entry.get("status")
    return found if isinstance(found, dict) else {}


def _group(name: str) -> tuple[str, str]:
    found = SHARD.fullmatch(name)
    return (found["base"], found["count"]) if found else (name, "")


def _number(entry: Entry) -> int:
    found = SHARD.fullmatch(entry["id"])
    return int(found["number"]) if found else 0


def _one(parts: list[Entry]) -> Entry:
    first = min(parts, key=_number)
    if len(parts) == 1:
        return first
    states = {state(part) for part in parts}
    value = next((name for name in RANK if name in states), "unloaded")
    failed = {"failed": True} if any(is_failed(part) for part in parts) else {}
    return with_status(first, value=value, **failed)
