"""Model list of a llama.cpp router; the shards of a split model are merged into one entry."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec

ModelEntry = dict[str, Any]
SHARD = re.compile(r"(?P<base>.+)-(?P<number>\d+)-of-(?P<count>\d+)")
LOADED = frozenset({"loaded", "sleeping"})
"""States of a usable model: a sleeping one wakes up on the next request."""
PRECEDENCE = ("loaded", "sleeping", "loading", "downloading", "unloading")
"""State of a split model: the first of these that one of its shards has."""


class RouterModelList(msgspec.Struct):
    """Response of `GET /models`."""

    data: list[ModelEntry]


def merged(entries: Iterable[ModelEntry]) -> list[ModelEntry]:
    """Return *entries* with the shards of each split model as one entry, under the id of the first shard."""
    groups: dict[tuple[str, str], list[ModelEntry]] = {}
    for entry in entries:
        groups.setdefault(_group(entry["id"]), []).append(entry)
    return [_merge(shards) for shards in groups.values()]


def state(entry: ModelEntry) -> str:
    return str(_status(entry).get("value", "unloaded"))


def is_loaded(entry: ModelEntry) -> bool:
    return state(entry) in LOADED


def is_failed(entry: ModelEntry) -> bool:
    """Return True if the last attempt to load the model failed."""
    return bool(_status(entry).get("failed"))


def with_status(entry: ModelEntry, **more: Any) -> ModelEntry:  # noqa: ANN401 - JSON holds anything
    return {**entry, "status": {**_status(entry), **more}}


def find(entries: Iterable[ModelEntry], model: str) -> ModelEntry | None:
    return next((entry for entry in entries if entry["id"] == model), None)


def context_tokens(entries: Iterable[ModelEntry]) -> int | None:
    """Return the context size that the router runs with: the first one in the arguments of any model."""
    for entry in entries:
        arguments = _status(entry).get("args")
        if isinstance(arguments, list) and (tokens := _context_option(arguments)) is not None:
            return tokens
    return None


def _context_option(arguments: list[Any]) -> int | None:
    for name, value in pairwise(arguments):
        if name == "--ctx-size" and str(value).isdigit():
            return int(value)
    return None


def _status(entry: ModelEntry) -> dict[str, Any]:
    status = entry.get("status")
    return status if isinstance(status, dict) else {}


def _group(name: str) -> tuple[str, str]:
    match = SHARD.fullmatch(name)
    return (match["base"], match["count"]) if match else (name, "")


def _number(entry: ModelEntry) -> int:
    match = SHARD.fullmatch(entry["id"])
    return int(match["number"]) if match else 0


def _merge(shards: list[ModelEntry]) -> ModelEntry:
    first = min(shards, key=_number)
    if len(shards) == 1:
        return first
    states = {state(shard) for shard in shards}
    value = next((name for name in PRECEDENCE if name in states), "unloaded")
    failed = {"failed": True} if any(is_failed(shard) for shard in shards) else {}
    return with_status(first, value=value, **failed)
