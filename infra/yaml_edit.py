"""Edits of a YAML text at the positions of its nodes: comments, layout and every other byte stay as they are.

A round trip through a library would lay out the whole file anew. Each edit is proved: the new text has the data of the
old one with the change and nothing else, or it is refused.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from infra.errors import SettingsError
from infra.settings import strict_yaml
from infra.yaml_layout import INDENT, behind_key, entry_lines, inline

Path = tuple[str | int, ...]
_ALIAS: Final = re.compile(r"\s*:?\s*\*[^\s,\[\]{}]+")
_BLANK: Final = re.compile(r"\n[ \t]*\r?\n")
_NULL: Final = "tag:yaml.org,2002:null"


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One entry of a mapping or a list: its value, and the positions where it starts and where its content ends."""

    key: str | int
    value: yaml.Node
    start: int
    after_key: int  # behind the colon or the dash
    end: int


def replaced(text: str, path: Path, value: object) -> str:
    """Return *text* with *value* at *path*, whose last parts may be new. Raises SettingsError."""
    data, (node, depth) = _data(text), _deepest(text, path)
    if depth == len(path) or (isinstance(node, yaml.ScalarNode) and node.tag == _NULL):
        result = _swapped(text, path[:depth], _nested(path[depth:], value))
    elif isinstance(node, yaml.CollectionNode):
        result = _added(text, node, path[depth], _nested(path[depth + 1 :], value))
    else:
        value = node.value if node else None
        raise SettingsError(f"{_name(path[:depth])}: is {value!r}, not a mapping; change it by hand")
    return _proved(text, result, _with(data, path, value), path)


def prepended(text: str, path: Path, value: object) -> str:
    """Return *text* with *value* as the first entry of the list at *path*. Raises SettingsError."""
    data, (node, depth) = _data(text), _deepest(text, path)
    entries = _entries(text, node)
    if depth < len(path) or not isinstance(node, yaml.SequenceNode) or not entries:
        raise SettingsError(f"{_name(path)}: is no list with an entry; change it by hand")
    start, content = entries[0].start, inline(value)
    lines = "\n".join(entry_lines([value], node.start_mark.column)).lstrip() + "\n" + " " * node.start_mark.column
    result = text[:start] + (f"{content}, " if node.flow_style else lines) + text[start:]
    return _proved(text, result, _with(data, path, [value, *_at(data, path)]), path)


def removed(text: str, path: Path) -> str:
    """Return *text* without the entry at *path*; as it is where there is none. Raises SettingsError."""
    data, (node, depth) = _data(text), _deepest(text, path)
    if depth < len(path):
        return text
    node, _ = _deepest(text, path[:-1])
    entries = _entries(text, node)
    number = [entry.key for entry in entries].index(path[-1])
    if len(entries) == 1:
        result = _swapped(text, path[:-1], {} if isinstance(node, yaml.MappingNode) else [])
    elif node.flow_style:
        result = _without_item(text, entries, number)
    else:
        result = _without_lines(text, entries[number], path)
    return _proved(text, result, _without(data, path), path)


def _deepest(text: str, path: Path) -> tuple[Any, int]:
    """Return the node at the longest part of *path* that is there, and the length of that part."""
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for depth, part in enumerate(path):
        child = next((entry.value for entry in _entries(text, node) if entry.key == part), None)
        if child is None:
            return node, depth
        node = child
    return node, len(path)


def _entries(text: str, node: object) -> list[_Entry]:
    """Return the entries of a mapping or a list; none for another node."""
    if isinstance(node, yaml.MappingNode):
        return [_pair(text, key, value) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [_item(text, number, item, is_flow=bool(node.flow_style)) for number, item in enumerate(node.value)]
    return []


def _pair(text: str, key: yaml.Node, value: yaml.Node) -> _Entry:
    colon = text.find(":", key.end_mark.index)
    is_alias = value.start_mark.index < key.end_mark.index
    alias = _ALIAS.match(text, key.end_mark.index) if is_alias else None
    end = alias.end() if alias else max(_end(text, value), colon + 1)
    return _Entry(key=str(key.value), value=value, start=key.start_mark.index, after_key=colon + 1, end=end)


def _item(text: str, number: int, item: yaml.Node, *, is_flow: bool) -> _Entry:
    start = item.start_mark.index
    dash = start if is_flow else text.rfind("-", 0, start)
    return _Entry(key=number, value=item, start=dash, after_key=start if is_flow else dash + 1, end=_end(text, item))


def _end(text: str, node: yaml.Node) -> int:
    """Return the end of the content of *node*, without the comments and empty lines behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        return _entries(text, node)[-1].end
    content = text[node.start_mark.index : node.end_mark.index]
    return node.start_mark.index + len(content.rstrip())


def _swapped(text: str, path: Path, value: object) -> str:
    """Return *text* with another value at an existing *path*."""
    parent, _ = _deepest(text, path[:-1])
    entry = next((entry for entry in _entries(text, parent) if entry.key == path[-1]), None) if path else None
    if entry is None:
        raise SettingsError(f"{_name(path)}: the file has no mapping at its top; change it by hand")
    column = entry.start - _line_start(text, entry.start)
    is_item = parent.flow_style and isinstance(parent, yaml.SequenceNode)
    content = f" {inline(value)}" if parent.flow_style else behind_key(value, column + INDENT)
    return text[: entry.after_key] + (content.lstrip() if is_item else content) + text[entry.end :]


def _added(text: str, node: Any, key: str | int, value: object) -> str:  # noqa: ANN401 - PyYAML has no types for it
    """Return *text* with a new last entry of the collection *node*."""
    entries = _entries(text, node)
    if isinstance(node, yaml.SequenceNode) and key != len(entries):
        raise SettingsError(f"{key}: accepted: the number of an entry, 0 to {len(entries)}")
    is_list = isinstance(node, yaml.SequenceNode)
    if node.flow_style:
        content = inline(value) if is_list else f"{inline(key)}: {inline(value)}"
        if entries:
            return text[: entries[-1].end] + f", {content}" + text[entries[-1].end :]
        whole = f"[{content}]" if is_list else f"{{ {content} }}"
        return text[: node.start_mark.index] + whole + text[node.end_mark.index :]
    lines = entry_lines([value] if is_list else {key: value}, node.start_mark.column)
    gap = "\n" if len(entries) > 1 and _BLANK.search(text, entries[-2].end, entries[-1].start) else ""
    end = _line_end(text, entries[-1].end)
    return text[:end] + gap + "\n" + "\n".join(lines) + text[end:]


def _without_item(text: str, entries: list[_Entry], number: int) -> str:
    """Return *text* without one entry of a collection on one line, and without its comma."""
    if number:
        return text[: entries[number - 1].end] + text[entries[number].end :]
    return text[: entries[0].start] + text[entries[1].start :]


def _without_lines(text: str, entry: _Entry, path: Path) -> str:
    """Return *text* without the lines of *entry*. Raises SettingsError where it shares a line with another."""
    start, end = _line_start(text, entry.start), _line_end(text, entry.end)
    if text[start : entry.start].strip():
        raise SettingsError(f"{_name(path)}: stands on one line with another entry; remove it by hand")
    following = text.find("\n", end)
    return text[:start] + text[following + 1 :] if following >= 0 else text[:start].rstrip("\r\n")


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _line_end(text: str, position: int) -> int:
    """Return the end of the line, before its line break."""
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _data(text: str) -> Any:  # noqa: ANN401 - YAML holds anything
    try:
        return strict_yaml.load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"not valid YAML: {strict_yaml.reason(error)}") from error


def _proved(before: str, result: str, expected: object, path: Path) -> str:
    """Return *result*, with the line breaks of *before*, when it has the *expected* data. Raises SettingsError."""
    if "\n" in before and before.count("\r\n") == before.count("\n"):
        result = re.sub(r"(?<!\r)\n", "\r\n", result)
    try:
        is_right = strict_yaml.load(result) == expected
    except yaml.YAMLError:
        is_right = False
    if not is_right:
        raise SettingsError(f"{_name(path)}: cannot be changed where it stands (an anchor or alias?); do it by hand")
    return result


def _nested(path: Path, value: object) -> object:
    """Return *value* inside a mapping for each part of *path*."""
    for part in reversed(path):
        value = {part: value}
    return value


def _with(data: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return a copy of *data* with *value* at *path*."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(data, list):
        items = [*data, None] if first == len(data) else data
        return [_with(item, rest, value) if number == first else item for number, item in enumerate(items)]
    whole = data if isinstance(data, dict) else {}
    return whole | {first: _with(whole.get(first), rest, value)}


def _at(data: Any, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    for part in path:
        data = data[part]
    return data


def _without(data: Any, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return a copy of *data* without the entry at *path*."""
    first, rest = path[0], path[1:]
    if rest:
        return _with(data, (first,), _without(data[first], rest))
    if isinstance(data, list):
        return [item for number, item in enumerate(data) if number != first]
    return {key: item for key, item in data.items() if key != first}


def _name(path: Path) -> str:
    return ".".join(map(str, path)) or "the file"
