"""Layout of values in a YAML file that people read: short collections on one line, longer ones in a block."""

import json
from typing import Any, Final

import yaml

INDENT: Final = 2
WIDTH: Final = 100
"""Columns up to which a collection is written on one line, its key not counted."""
Collection = dict[Any, Any] | list[Any] | tuple[Any, ...]
_ENDLESS: Final = 10**6


def inline(value: object) -> str:
    """Return *value* on one line, such as `{ service: vllm, sequences: 2 }`."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{inline(key)}: {inline(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, str) and "\n" in value:
        return json.dumps(value)
    return str(yaml.safe_dump([value], default_flow_style=True, width=_ENDLESS, allow_unicode=True)).strip()[1:-1]


def behind_key(value: object, column: int) -> str:
    """Return what follows a key or a dash: a space and one line, or a block at *column*."""
    if isinstance(value, dict | list | tuple) and value and not _is_short(value, column):
        return "\n" + "\n".join(entry_lines(value, column))
    return f" {inline(value)}"


def entry_lines(value: Collection, column: int) -> list[str]:
    """Return the lines of each entry of *value* at *column*."""
    indent = " " * column
    if isinstance(value, dict):
        return [f"{indent}{_key(key)}:{behind_key(each, column + INDENT)}" for key, each in value.items()]
    return [f"{indent}- {behind_key(each, column + INDENT).lstrip()}" for each in value]


def _key(key: object) -> str:
    """Return *key* as it stands before a colon in a block; with quotes only where it needs them."""
    text, colon, _ = str(yaml.safe_dump({key: 0}, width=_ENDLESS, allow_unicode=True)).rpartition(": 0")
    return text if colon and not text.startswith("?") and "\n" not in text else inline(key)


def _is_short(value: Collection, column: int) -> bool:
    """Return True for a collection without another one inside it that fits on one line, with room for its key."""
    inner = list(value.values()) if isinstance(value, dict) else list(value)
    is_flat = not any(isinstance(each, dict | list | tuple) and each for each in inner)
    return is_flat and column + len(inline(value)) <= WIDTH
