"""The configuration file: the backends, and which of them serves a model. An invalid file is refused as a whole.

backends:
  vllm: { url: "http://vllm-inference:8001", type: vllm, health: /health, tasks: [chat] }
routes:
  - model: qwen3-8b
    targets: [{ backend: vllm, model: Qwen/Qwen3-8B }]
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import yaml

from synapse_gateway.upstream.adapters import ADAPTERS, Adapter, Task
from synapse_gateway.upstream.config import BackendConfig

KeyPath = tuple[str | int, ...]
Violations = Iterator[tuple[KeyPath, str]]


class ConfigError(Exception):
    """An invalid file; the message has a line for each violation: position, value, and accepted values."""


class TargetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One target of a route, and the backend's own name for the model; default: the name of the route."""

    backend: str
    model: str | None = None


class RouteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public model name and its targets, the preferred one first."""

    model: str
    targets: tuple[TargetConfig, ...]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    backends: dict[str, BackendConfig]
    routes: tuple[RouteConfig, ...] = ()


def load(path: Path) -> Config:
    """Return the configuration in *path*. Raises ConfigError with file and line of each violation."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}; name a readable file with --config") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Config:
    """Return the configuration in *text*; error messages begin with *source*."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(node, ()))
        content = yaml.safe_load(text)
        config = _typed(content)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: {error}") from error
    except InvalidKeyError as error:
        raise ConfigError(f"{source}:{error}") from error
    except WrongTypeError as error:
        raise ConfigError(f"{source}:{_line(lines, error.path)}: {error}") from error
    if violations := [f"{source}:{_line(lines, path)}: {message}" for path, message in _violations(config)]:
        raise ConfigError("\n".join(violations))
    return config


class InvalidKeyError(Exception):
    """A key that is not a scalar, or is repeated: YAML would silently keep the last one."""


def _lines(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    """Yield every path of the document with its line."""
    if node is None:
        return
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InvalidKeyError(f"{key.start_mark.line + 1}: got a list or mapping as a key; accepted: a word")
            if key.value in keys:
                raise InvalidKeyError(f"{key.start_mark.line + 1}: duplicate key {key.value!r}; keep one")
            keys.add(key.value)
            yield from _lines(value, (*path, key.value))
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index))


def _typed(content: Any) -> Config:  # noqa: ANN401 - YAML holds anything
    """Convert *content*. Raises WrongTypeError.

    The path in msgspec's message does not name the key of a mapping, so each backend is then checked on its own.
    """
    try:
        return msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        sections = content.get("backends") if isinstance(content, dict) else None
        for name, section in sections.items() if isinstance(sections, dict) else ():
            try:
                msgspec.convert(section, BackendConfig)
            except msgspec.ValidationError as detail:
                raise WrongTypeError(("backends", name), detail) from error
        raise WrongTypeError((), error) from error


class WrongTypeError(Exception):
    """A value of the wrong type, at *path*."""

    def __init__(self, prefix: KeyPath, error: msgspec.ValidationError) -> None:
        message, _, where = str(error).partition(" - at `$")
        super().__init__(message)
        parts = where.rstrip("`").replace("[", ".").replace("]", "").split(".")
        self.path = (*prefix, *(int(part) if part.isdigit() else part for part in parts if part))


def _line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of *path*, or of its nearest existing parent."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _violations(config: Config) -> Violations:
    for name, backend in config.backends.items():
        yield from _backend_violations(name, backend)
    models: set[str] = set()
    for index, route in enumerate(config.routes):
        yield from _route_violations(index, route, config)
        if route.model in models:
            yield ("routes", index, "model"), f"duplicate route for {route.model!r}; keep one"
        models.add(route.model)


def _backend_violations(name: str, backend: BackendConfig) -> Violations:
    path: KeyPath = ("backends", name)
    if backend.type not in ADAPTERS:
        yield (*path, "type"), f"got type {backend.type!r}; accepted: {', '.join(ADAPTERS)}"
        return
    if problem := _url_problem(backend.url):
        yield (*path, "url"), f"got {backend.url!r}, {problem}; accepted: http://host:port or https://host"
    if backend.health and not backend.health.startswith("/"):
        yield (*path, "health"), f"got {backend.health!r}; accepted: a path that begins with /, or nothing"
    if backend.concurrency < 1 or backend.queue < 0:
        got = f"got concurrency {backend.concurrency} and queue {backend.queue}"
        yield path, f"{got}; accepted: concurrency at least 1, queue at least 0"
    if backend.sleep_idle_s < 0 or (backend.sleep_idle_s and backend.adapter.lifecycle != "sleep"):
        yield (*path, "sleep_idle_s"), f"got {backend.sleep_idle_s:g}; accepted: 0, or seconds for a vllm"
    possible = _possible_tasks(backend.adapter)
    for task in set(backend.tasks) - set(possible):
        yield (*path, "tasks"), f"got {task!r} for type {backend.type}; accepted: {', '.join(possible)}"


def _possible_tasks(adapter: Adapter) -> tuple[Task, ...]:
    return Adapter(paths=adapter.paths).tasks


def _route_violations(index: int, route: RouteConfig, config: Config) -> Violations:
    path: KeyPath = ("routes", index)
    if not route.targets:
        yield path, f"{route.model!r} has no targets; name at least one backend"
    names = [target.backend for target in route.targets]
    for number, name in enumerate(names):
        key = (*path, "targets", number, "backend")
        if name not in config.backends:
            yield key, f"got backend {name!r}; accepted: one of {', '.join(config.backends)}"
        elif name in names[:number]:
            yield key, f"duplicate target {name!r} of {route.model!r}; keep one"


def _url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = cast("Any", parts.port)  # raises ValueError for an invalid port
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "not an http(s) address"
    if parts.query or parts.fragment or parts.username or port == 0:
        return "more than host, port and path"
    return None
