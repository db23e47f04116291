"""What-if changes: a stack file with some values changed, before anybody edits it.

A change is `key=value`. The key is the path under `synapse:` (`services.vllm.contextTokens=16384`) or a short name for
the first vLLM service (`context=16384`); the value is YAML as in the file. A part of a path that has dots stands in
quotes, an entry of a list in brackets: `models."Qwen/Qwen3.6-27B".groups[0].layers=16`.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from infra.errors import SettingsError
from infra.settings.loader import is_encrypted, parse, project, read_config
from infra.settings.model import Settings
from infra.settings.names import PREFIX

SHORT: Final = {
    "model": "model",
    "context": "contextTokens",
    "sequences": "sequences",
    "memory": "memory.limit",
}
_KEY: Final = r"""(?:"[^"]+"|'[^']+'|[\w.:/\[\]-])+"""
_SEPARATOR: Final = re.compile(rf",(?=\s*{_KEY}\s*=)")  # a comma inside a value separates nothing
_CHANGE: Final = re.compile(rf"\s*({_KEY})\s*=(.*)", re.DOTALL)
_PART: Final = re.compile(
    r"""(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|\[(?P<number>\d+)\]|(?P<plain>[^.\[\]"']+))(?:\.(?=.)|(?=\[)|$)"""
)
"""First part of a path, with what separates it from the next one."""


def changes(texts: Sequence[str]) -> dict[str, Any]:
    """Parse *texts*, each with one or several comma-separated changes, to key -> value. Raises SettingsError."""
    return dict(_change(part) for text in texts for part in _SEPARATOR.split(text))


def load(stack: str, values: Mapping[str, Any], root: Path | None = None) -> Settings:
    """Load the settings of an existing `Pulumi.<stack>.yaml` with *values* changed. Raises SettingsError."""
    path = (root or project()) / f"Pulumi.{stack}.yaml"
    config = changed(read_config(stack, root), values)
    return parse(config, f"{path.name} with --what-if", lambda key: is_encrypted(config[key]))


def changed(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the `config:` of a stack file with *values* set at their keys."""
    copied = copy.deepcopy(dict(config))
    for key, value in values.items():
        _set(copied, PREFIX + _path(key, copied), value)
    return copied


def _change(text: str) -> tuple[str, Any]:
    match = _CHANGE.fullmatch(text)
    if match is None:
        raise SettingsError(
            f"--what-if: got {text!r}; accepted: key=value, such as services.vllm.contextTokens=16384; a part of the "
            'key with dots in quotes, such as models."Qwen/Qwen3.6-27B".contextTokens=8192'
        )
    key, value = match.groups()
    try:
        return key.removeprefix(PREFIX), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingsError(f"--what-if: {key}: the value is not valid YAML: {value!r}") from error


def _path(key: str, config: Mapping[str, Any]) -> str:
    """Return the full path of a short name, which means the first vLLM service; other keys stay the same."""
    if key not in SHORT:
        return key
    services = config.get(f"{PREFIX}services")
    for name, fields in (services if isinstance(services, Mapping) else {}).items():
        if (fields or {}).get("kind", name) == "vllm":
            return f"services.{name}.{SHORT[key]}"
    raise SettingsError(f"--what-if: {key}: the stack has no service of kind vllm; accepted: the full path")


def _set(holder: Any, path: str, value: object) -> None:  # noqa: ANN401 - a stack file holds anything
    """Set *path* in mappings and lists; an existing key with dots takes precedence over its parts."""
    key, rest = _first(holder, path)
    if isinstance(holder, list):
        key = _index(holder, key, path)
    if not rest:
        holder[key] = value
        return
    if isinstance(holder, dict) and not isinstance(holder.get(key), dict | list):
        holder[key] = {}
    _set(holder[key], rest, value)


def _first(holder: object, path: str) -> tuple[Any, str]:
    """Split *path* into its first key and the rest. Raises SettingsError for a part that is none."""
    for key in sorted(map(str, holder) if isinstance(holder, dict) else (), key=len, reverse=True):
        if path == key or path.startswith((f"{key}.", f"{key}[")):
            return key, path[len(key) :].removeprefix(".")
    match = _PART.match(path)
    if match is None:
        raise SettingsError(
            f"--what-if: {path}: not a path; accepted: parts with a dot between them, a part with dots in quotes "
            "(\"a.b\" or 'a.b'), the number of an entry in brackets ([0])"
        )
    return next(part for part in match.groups() if part is not None), path[match.end() :]


def _index(holder: Sequence[object], key: str, path: str) -> int:
    if key.isdecimal() and int(key) < len(holder):
        return int(key)
    raise SettingsError(f"--what-if: {path}: got {key!r}; accepted: the number of an entry, 0 to {len(holder) - 1}")
