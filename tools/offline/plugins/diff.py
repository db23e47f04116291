"""Differences between two versions of a resource's inputs, field by field."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

from tools.offline.plugins.values import UNKNOWN, bare

Path = tuple[str | int, ...]
PLAIN_KEY: Final = re.compile(r'[^."\[\]]+')
EACH: Final = "*"  # in a pattern: every element of a list


class Change(Enum):
    """Kind of a change of a field."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


def changes(old: object, new: object, path: Path = ()) -> Iterator[tuple[Path, Change]]:
    """Yield every changed field, at the deepest path."""
    old, new = bare(old), bare(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _field(old, new, key, (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _field(dict(enumerate(old)), dict(enumerate(new)), index, (*path, index))
    elif old != new or new is UNKNOWN:
        yield path, Change.UPDATE


def written(path: Path) -> str:
    """Return the path in Pulumi's notation, such as `spec.containers[0].image`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part):
            text += f".{part}"
        else:
            text += f'["{part}"]'
    return text.removeprefix(".")


def replaces(path: Path, patterns: Iterable[str]) -> bool:
    """Return whether `path` matches one of the dotted patterns: one of the two is a prefix of the other."""
    return any(_touches(path, tuple(pattern.split("."))) for pattern in patterns)


def _field(
    old: Mapping[Any, object], new: Mapping[Any, object], key: str | int, path: Path
) -> Iterator[tuple[Path, Change]]:
    if key not in old:
        yield path, Change.ADD
    elif key not in new:
        yield path, Change.DELETE
    else:
        yield from changes(old[key], new[key], path)


def _touches(path: Path, pattern: tuple[str, ...]) -> bool:
    return all(expected in (EACH, part) for part, expected in zip(path, pattern, strict=False))
