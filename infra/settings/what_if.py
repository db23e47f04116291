"""A stack file with some values changed, before anybody edits it.

A change is `key=value`, its key the path under `synapse:` (`services.vllm.contextTokens=16384`) or a short name of the
first vLLM service (`context=16384`), its value YAML as in the file.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from infra.errors import SettingsError
from infra.settings.loader import parse, project
from infra.settings.model import Settings
from infra.settings.schema import PREFIX

SHORT: Final = {
    "model": "model",
    "context": "contextTokens",
    "sequences": "sequences",
    "memory": "memory.limit",
}
_SEPARATOR = re.compile(r",(?=[\w.:/-]+=)")  # a comma inside a value is none


def changes(texts: Sequence[str]) -> dict[str, Any]:
    """Key -> value of every change in *texts*, each of one or of several with commas between. Raises SettingsError."""
    return dict(_change(part) for text in texts for part in _SEPARATOR.split(text))


def load(stack: str, wanted: Mapping[str, Any], root: Path | None = None) -> Settings:
    """The settings of `Pulumi.<stack>.yaml`, a file that can be read, with *wanted* changed. Raises SettingsError."""
    path = (root or project()) / f"Pulumi.{stack}.yaml"
    config = changed(yaml.safe_load(path.read_text(encoding="utf-8"))["config"], wanted)
    return parse(
        config, f"{path.name} with --what-if", lambda key: isinstance(config[key], Mapping) and "secure" in config[key]
    )


def changed(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the `config:` of a stack file with the values at *wanted*'s keys set."""
    found = copy.deepcopy(dict(config))
    for key, value in wanted.items():
        _set(found, PREFIX + _path(key, found), value)
    return found


def _change(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"--what-if: got {text!r}; accepted: key=value, such as services.vllm.contextTokens=16384")
    try:
        return key.strip().removeprefix(PREFIX), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingsError(f"--what-if: {key}: the value is not valid YAML: {value!r}") from error


def _path(key: str, config: Mapping[str, Any]) -> str:
    """The whole path of a short name, which stands for one of the first vLLM service; any other key as it is."""
    if key not in SHORT:
        return key
    services = config.get(f"{PREFIX}services")
    for name, fields in (services if isinstance(services, Mapping) else {}).items():
        if (fields or {}).get("kind", name) == "vllm":
            return f"services.{name}.{SHORT[key]}"
    raise SettingsError(f"--what-if: {key}: the stack has no service of kind vllm; give the whole path")


def _set(holder: Any, path: str, value: object) -> None:  # noqa: ANN401 - a stack file holds anything
    """Set *path* in mappings and lists; keys may hold dots themselves, so one that exists wins over its parts."""
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
    """The first key of *path* and what is left of it."""
    for known in sorted(map(str, holder) if isinstance(holder, dict) else (), key=len, reverse=True):
        if path == known or path.startswith(f"{known}."):
            return known, path[len(known) + 1 :]
    first, _, rest = path.partition(".")
    return first, rest


def _index(holder: Sequence[object], key: str, path: str) -> int:
    if key.isdecimal() and int(key) < len(holder):
        return int(key)
    raise SettingsError(f"--what-if: {path}: got {key!r}; accepted: the number of an entry, 0 to {len(holder) - 1}")
